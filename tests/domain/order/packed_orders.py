"""A paid order of three chairs and two tables, and the commands that pack and send it."""

from domain.order import ORDER
from domain.order.allocate import LineAllocated
from domain.order.dispatch import DispatchShipment, RecordDispatch
from domain.order.pack import PackShipment, QualityCheck
from tests.domain.messages import left, order, order_paid, order_placed, ordered, shipment_packed, some
from tests.given import Given, happened

an_order = Given(ORDER)
placed = an_order.given(order_placed(ordered(3, note="tok-9"), ordered(2, "2", "TABLE")), order_paid())
allocated = placed.given(happened(LineAllocated, moves=[left("open", 3), left("open", 2, "2", "TABLE")]))
chairs_packed = shipment_packed(left("allocated", 3), notes={"1": "tok-9"})
packed = allocated.given(chairs_packed)

GOOD = QualityCheck(passed=True, by="lee")


def pack(pieces: int, line: str = "1", check: QualityCheck = GOOD) -> PackShipment:
    return order(PackShipment, shipment_id="s1", lines=some(pieces, line), quality_check=check)


dispatch = order(DispatchShipment, shipment_id="s1", carrier="cj", tracking_number="6012")
left_the_house = order(RecordDispatch, shipment_id="s1")
