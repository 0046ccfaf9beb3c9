"""What RQ's worker does with a job, as far as the snippets of the documents need it."""


class Worker:
    def perform_job(self, job, queue):
        return job.perform()
