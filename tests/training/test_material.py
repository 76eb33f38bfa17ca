"""What a kind is trained on takes no more memory than what it says."""

from __future__ import annotations

import pyarrow as pa

from anxin.training.material import joined


def test_numbers_are_kept_in_single_precision_only_where_that_loses_nothing() -> None:
    values = {
        "subject_id": (["a", "b"], ["c"]),
        "count": ([1.0, None], [3.0]),
        "share": ([0.5, 0.25], [0.1]),
        "yuan": ([16_777_217.0, None], [1.0]),
        "nothing": ([None, None], [None]),
    }
    types = {"subject_id": pa.string()}
    parts = [
        pa.table({name: pa.array(each[i], types.get(name, pa.float64())) for name, each in values.items()})
        for i in (0, 1)
    ]
    table = joined(parts)
    assert table.to_pydict() == {name: [*first, *second] for name, (first, second) in values.items()}
    assert [name for name in table.column_names if table[name].type == pa.float32()] == ["count", "nothing"]
    assert not parts  # nobody holds the wide columns any longer
