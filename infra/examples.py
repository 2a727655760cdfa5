"""One example of each inbound message type, for the documentation and for the tests."""

from typing import Any, Final

from domain.catalogue import BUSINESS_KEYS, COMMANDS, TIME_PASSED

_ORDER: Final = {"channel": "naver", "order_id": "2026031200017"}
_LINES: Final = [{"line": "1", "pieces": 1}]

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "seller-open-requested": {"zone": "Asia/Seoul", "currency": "KRW", "mode": "live"},
    "policy-adoption-requested": {
        "policy": {
            "kind": "stock_policy",
            "id": "careful",
            "version": 2,
            "valid_from": "2026-03-01",
            "region": "KR",
            "source": "the owner, 2026-02-27",
            "confidence": "high",
            "safety_stock": 3,
            "low_stock": {"units": 10, "clear_at": 15},
            "channel_shares": {"coupang": "1", "shopify": "0.8"},
        }
    },
    "value-adjusted": {
        "adjustment_id": "a-1",
        "channel": "naver",
        "code": "BAD-DEBT",
        "pieces": 1,
        "unit_price": "-53594.36",
        "currency": "GBP",
        "reason": "bad debt",
    },
    "order-placed": {
        **_ORDER,
        "currency": "KRW",
        "lines": [
            {"line": "1", "sku": "CHAIR", "pieces": 2, "unit_price": "34500", "note": "문 앞에 놓아 주세요"},
            {"line": "2", "sku": "DESK", "pieces": 1, "unit_price": "129000"},
        ],
        "shipping_fee": 3000,
        "destination": {"country": "KR", "zone": "metro", "distance_km": 12, "postcode_area": "06"},
        "buyer": "김민지, 010-0000-0000",
    },
    "order-amended": {
        **_ORDER,
        "amendment_id": "am-1",
        "lines": [{"line": "3", "sku": "LAMP", "pieces": 1, "unit_price": "19900"}],
    },
    "order-paid": {**_ORDER, "payment_id": "pay-1", "amount": 201000},
    "payment-reversed": {
        **_ORDER,
        "reversal_id": "cb-1",
        "payment_id": "pay-1",
        "amount": 201000,
        "cause": "chargeback",
    },
    "order-acknowledged": _ORDER,
    "order-noted": {**_ORDER, "note_id": "n-1", "kind": "picked", "lines": ["1"]},
    "order-status-claimed": {**_ORDER, "status": "PAYED"},
    "order-cancelled": {
        **_ORDER,
        "cancellation_id": "c-9",
        "lines": _LINES,
        "reason": "customer_request",
        "initiator": "customer",
    },
    "cancel-requested": {**_ORDER, "request_id": "r-1", "lines": _LINES, "words": "마음이 바뀌었어요"},
    "cancel-decision-requested": {**_ORDER, "request_id": "r-1", "approve": True},
    "cancel-request-closed": {**_ORDER, "request_id": "r-1", "answer": "withdrawn"},
    "cancellation-requested": {
        **_ORDER,
        "cancellation_id": "c-1",
        "lines": _LINES,
        "reason": "out_of_stock",
        "channel_reason_code": "SOLD_OUT",
    },
    "pack-requested": {
        **_ORDER,
        "shipment_id": "s-1",
        "lines": _LINES,
        "quality_check": {"passed": True, "by": "packer:choi"},
    },
    "shipment-packed": {**_ORDER, "shipment_id": "s-1", "lines": _LINES},
    "dispatch-requested": {
        **_ORDER,
        "shipment_id": "s-1",
        "carrier": "CJGLS",
        "tracking_number": "012345678901",
        "override": {"operator": "operator:lee", "reason": "already with the courier"},
    },
    "shipment-dispatched": {
        **_ORDER,
        "shipment_id": "s-1",
        "lines": _LINES,
        "carrier": "CJGLS",
        "tracking_number": "012345678901",
    },
    "lines-fulfilled": {**_ORDER, "fulfilment_id": "pu-1", "lines": _LINES},
    "shipment-tracked": {**_ORDER, "shipment_id": "s-1", "status": "delivered", "raw_code": "91"},
    "refund-recorded": {**_ORDER, "refund_id": "rf-1", "amount": 34500, "cause": "cancel"},
    "review-posted": {**_ORDER, "review_id": "rv-1", "score": 5, "text": "잘 받았습니다"},
    "order-check-requested": _ORDER,
    "return-requested": {**_ORDER, "return_id": "rt-1", "lines": _LINES, "reason": "changed_mind"},
    "return-decision-requested": {"return_id": "rt-1", "approve": True},
    "return-decided": {"return_id": "rt-1", "decision": "withdrawn"},
    "return-collected": {"return_id": "rt-1", "carrier": "CJGLS"},
    "return-received": {"return_id": "rt-1", "lines": _LINES},
    "return-inspected": {
        "return_id": "rt-1",
        "inspection_id": "in-1",
        "units": [{"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"}],
    },
    "return-recorded": {
        "return_id": "import-1",
        "channel": "online-retail",
        "sku": "22087",
        "pieces": 12,
        "unit_price": "2.95",
        "currency": "GBP",
        "reference": "C489449",
    },
    "stock-received": {"receipt_id": "in-77", "sku": "CHAIR", "pieces": 40},
    "stock-counted": {"count_id": "ct-3", "sku": "CHAIR", "counted": 38},
    "stock-adjusted": {"adjustment_id": "ad-5", "sku": "CHAIR", "delta": -2, "reason": "damaged"},
    "stock-quarantined": {"quarantine_id": "q-2", "sku": "CHAIR", "pieces": 1, "reason": "scratched"},
}
"""The `data` of each message, by its type without `jumun.inbound.` and `.v1`."""


def example(kind: str) -> dict[str, Any]:
    """A complete message of this type, with its CloudEvents attributes."""
    at = "2026-03-12T10:15:00+09:00"
    head: dict[str, Any] = {"specversion": "1.0", "id": "m-1", "source": "shop/1", "type": kind, "time": at}
    if kind == TIME_PASSED:
        return {**head, "data": {"to": at}}
    data = EXAMPLES[kind.removeprefix("jumun.inbound.").removesuffix(".v1")]
    if kind in BUSINESS_KEYS:
        head["id"] = data[BUSINESS_KEYS[kind]]
    if COMMANDS[kind].is_wish:
        head["actor"] = "operator:kim"
    return {**head, "sellerid": "acme", "data": data}
