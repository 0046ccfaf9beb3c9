"""
A checkout with a bug, which docs/mcp.md finds with the tools for coding assistants.

    $ pip install 'cxlogging[dev,mcp]'
    $ cxlogging dev                                            # in another terminal
    $ export CXLOGGING_URL=http://127.0.0.1:8765
    $ python checkout.py
"""

import logging

import cxlogging

log = logging.getLogger("checkout")
STOCK = {"tea": 12, "cups": 0}
SHIPPING = 4.90
CARTS = {"r-1": ["tea", "tea"], "r-2": ["cups"], "r-3": ["cups"], "r-4": ["tea", "cups"]}


def without_sold_out(cart):
    for item in sorted(set(cart)):
        if not STOCK[item]:
            log.warning("%s are sold out: taken out of the cart", item, extra={"item": item})
    return [item for item in cart if STOCK[item]]


def shipping_per_item(cart):
    return round(SHIPPING / len(cart), 2)


def place_order(cart):
    log.info("checkout of %d items", len(cart), extra={"cart": cart})
    cart = without_sold_out(cart)
    share = shipping_per_item(cart)
    log.info("order placed", extra={"cart": cart, "shipping_per_item": share})


def main():
    handler = cxlogging.CoralogixHandler("dev", application_name="shop", subsystem_name="web")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    for request_id, cart in CARTS.items():
        with cxlogging.bound(request_id=request_id):
            try:
                place_order(cart)
            except Exception:
                log.exception("checkout failed")
    handler.flush(timeout=10)


if __name__ == "__main__":
    main()
