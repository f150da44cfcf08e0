"""Twenty attacks by somebody who can write to the database: each found, each named right.

The attacker of most rows holds no key; where he holds the MAC key it says so. He never holds the checkpoint signer's key
nor reaches the file of checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from secops.audit_log import chain
from secops.audit_log.chain import SignedCheckpoint
from secops.audit_log.verify import Damage
from smcrypto.keys import FileKeyProvider, Signer
from tests.unit.secops.audit_log.logs import (
    Database,
    event,
    make_checkpoints,
    make_rows,
    seal,
    sealed_head,
)

COUNT = 310
"""Checkpoints stand at 50, 100 … 300; the last ten rows are not signed for yet."""


@dataclass
class Scene:
    """A log of 310 rows, its outside checkpoints, and both sets of keys."""

    database: Database
    checkpoints: list[SignedCheckpoint]
    keys: FileKeyProvider
    other_keys: FileKeyProvider
    rows: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def scene(keys: FileKeyProvider, other_keys: FileKeyProvider) -> Scene:
    """A fresh log with everything switched on."""
    rows = make_rows(COUNT, keys)
    return Scene(
        Database(rows, sealed_head(rows, keys)), make_checkpoints(rows, keys), keys, other_keys, rows
    )


def _update_field(scene: Scene) -> None:
    scene.database.sql.execute("update audit_event set actor = '李四' where seq = 120")


def _delete_middle(scene: Scene) -> None:
    scene.database.sql.execute("delete from audit_event where seq = 120")


def _delete_tail_head_left(scene: Scene) -> None:
    scene.database.sql.execute("delete from audit_event where seq > 305")


def _delete_tail_head_fixed(scene: Scene) -> None:
    scene.database.sql.execute("delete from audit_event where seq > 305")
    scene.database.move_head(305, scene.rows[304]["hash"])


def _delete_below_checkpoints(scene: Scene) -> None:
    scene.database.sql.execute("delete from audit_event where seq > 230")
    scene.database.move_head(230, scene.rows[229]["hash"])


def _delete_below_checkpoints_with_key(scene: Scene) -> None:
    scene.database.sql.execute("delete from audit_event where seq > 230")
    scene.database.move_head(230, scene.rows[229]["hash"], scene.keys)


def _swap_rows(scene: Scene) -> None:
    for first, second in ((120, -1), (121, 120), (-1, 121)):
        scene.database.sql.execute("update audit_event set seq = ? where seq = ?", (second, first))


def _edit_and_recompute(scene: Scene) -> None:
    rows = scene.database.rows()
    rows[119]["actor"] = "李四"
    scene.database.rechain(rows, None)
    scene.database.move_head(COUNT, rows[-1]["hash"])


def _edit_and_recompute_with_key(scene: Scene) -> None:
    rows = scene.database.rows()
    rows[119]["actor"] = "李四"
    scene.database.rechain(rows, scene.keys)
    scene.database.move_head(COUNT, rows[-1]["hash"], scene.keys)


def _delete_renumber_recompute(scene: Scene) -> None:
    rows = scene.database.rows()
    del rows[119]
    scene.database.rechain(rows, None)
    scene.database.move_head(COUNT - 1, rows[-1]["hash"])


def _edit_unsigned_row(scene: Scene) -> None:
    rows = scene.database.rows()
    rows[304]["result"] = "denied"
    scene.database.rechain(rows, None)
    scene.database.move_head(COUNT, rows[-1]["hash"])


def _edit_and_strip_all_macs(scene: Scene) -> None:
    rows = scene.database.rows()
    rows[119]["actor"] = "李四"
    scene.database.rechain(rows, None)
    scene.database.sql.execute("update audit_event set kid = '', mac = ''")
    scene.database.sql.execute(
        "update audit_head set mac_from = null, kid = '', mac = '', hash = ?", (rows[-1]["hash"],)
    )


def _empty_everything(scene: Scene) -> None:
    scene.database.sql.execute("delete from audit_event")
    scene.database.move_head(0, chain.GENESIS)


def _append_forged(scene: Scene) -> None:
    forged = seal(event(COUNT + 1, scene.rows[-1]["hash"]), None)
    forged["kid"], forged["mac"] = scene.rows[-1]["kid"], scene.rows[-1]["mac"]
    scene.database.insert([forged])
    scene.database.move_head(COUNT + 1, forged["hash"])


def _sequence_reset(scene: Scene) -> None:
    scene.database.insert([seal(event(1, chain.GENESIS, actor="李四"), scene.keys)])


def _trigger_off_update(scene: Scene) -> None:
    scene.database.sql.executescript(
        """
        create trigger no_update before update on audit_event begin select raise(abort, 'append only'); end;
        drop trigger no_update;
        update audit_event set detail = json_set(detail, '$.to', 'open') where seq = 77;
        """
    )


def _foreign_checkpoint(scene: Scene) -> None:
    other = make_rows(COUNT, scene.other_keys)
    scene.checkpoints[2] = make_checkpoints(other, scene.other_keys)[2]


def _older_backup(scene: Scene) -> None:
    rows = scene.rows[:140]
    scene.database.replace_rows(rows)
    scene.database.put_head(sealed_head(rows, scene.keys))


def _row_moved_to_another_table(scene: Scene) -> None:
    scene.database.sql.executescript(
        "insert into archive select * from audit_event where seq = 200; delete from audit_event where seq = 200;"
    )


def _type_change(scene: Scene) -> None:
    scene.database.sql.execute("update audit_event set actor_id = cast(actor_id as text) where seq = 66")


ATTACKS: dict[str, tuple[Callable[[Scene], None], Damage, int]] = {
    "1 update a field": (_update_field, Damage.HASH, 120),
    "2 delete a middle row": (_delete_middle, Damage.GAP, 120),
    "3 delete the tail, head left": (_delete_tail_head_left, Damage.TRUNCATED, 306),
    "4 delete the tail, head fixed": (_delete_tail_head_fixed, Damage.HEAD, 306),
    "5 delete below two checkpoints": (_delete_below_checkpoints, Damage.TRUNCATED, 231),
    "6 the same with the MAC key": (_delete_below_checkpoints_with_key, Damage.TRUNCATED, 231),
    "7 swap two rows": (_swap_rows, Damage.LINK, 120),
    "8 edit and recompute": (_edit_and_recompute, Damage.MAC, 120),
    "9 the same with the MAC key": (_edit_and_recompute_with_key, Damage.CHECKPOINT, 150),
    "10 delete, renumber, recompute": (_delete_renumber_recompute, Damage.MAC, 120),
    "11 edit a row that is not signed for": (_edit_unsigned_row, Damage.MAC, 305),
    "12 edit, recompute, strip all MACs": (_edit_and_strip_all_macs, Damage.MAC, 1),
    "13 empty everything": (_empty_everything, Damage.TRUNCATED, 1),
    "14 append a forged row": (_append_forged, Damage.MAC, 311),
    "15 sequence reset": (_sequence_reset, Damage.FORK, 1),
    "16 update with the trigger off": (_trigger_off_update, Damage.HASH, 77),
    "17 foreign checkpoint": (_foreign_checkpoint, Damage.CHECKPOINT, 150),
    "18 restore of an older backup": (_older_backup, Damage.TRUNCATED, 141),
    "19 row moved to another table": (_row_moved_to_another_table, Damage.GAP, 200),
    "20 change of type": (_type_change, Damage.HASH, 66),
}


def test_untouched_log_is_intact(scene: Scene) -> None:
    """Before any attack nothing is found, and everything was looked at."""
    result = scene.database.verify(scene.keys, scene.checkpoints)

    assert result.ok
    assert (result.damage, result.first_bad) == (None, None)
    assert (result.records, result.macs_checked, result.checkpoints_checked) == (COUNT, COUNT, 6)
    assert result.head_checked
    assert result.last_checkpoint is not None
    assert result.last_checkpoint.size == 300


@pytest.mark.parametrize(("attack", "damage", "first_bad"), ATTACKS.values(), ids=ATTACKS)
def test_attack_is_found_and_named(
    scene: Scene, attack: Callable[[Scene], None], damage: Damage, first_bad: int
) -> None:
    """The verifier names the kind and the first bad sequence."""
    attack(scene)

    result = scene.database.verify(scene.keys, scene.checkpoints)

    assert (result.damage, result.first_bad, result.ok) == (damage, first_bad, False)
    assert result.detail


CHAIN_ALONE_FINDS = {
    "1 update a field",
    "2 delete a middle row",
    "3 delete the tail, head left",
    "7 swap two rows",
    "15 sequence reset",
    "16 update with the trigger off",
    "19 row moved to another table",
    "20 change of type",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_the_chain_alone_finds(scene: Scene, name: str) -> None:
    """Without keys and checkpoints only a clumsy hand is found: this is what the documentation says, no more."""
    ATTACKS[name][0](scene)
    # an installation that never had MACs
    scene.database.sql.execute("update audit_event set kid = '', mac = ''")
    scene.database.sql.execute("update audit_head set mac_from = null, kid = '', mac = ''")

    result = scene.database.verify(None)

    assert result.ok is (name not in CHAIN_ALONE_FINDS)
    assert (result.macs_checked, result.checkpoints_checked) == (0, 0)


def test_checkpoints_alone_find_what_was_signed_for(scene: Scene) -> None:
    """Without the MAC key an edit with everything recomputed still contradicts the signed checkpoint."""
    _edit_and_recompute(scene)

    result = scene.database.verify(
        None, scene.checkpoints, public_keys=[scene.keys.public_key(Signer.CHECKPOINT)]
    )

    assert (result.damage, result.first_bad) == (Damage.CHECKPOINT, 150)
    assert result.last_checkpoint is not None
    assert result.last_checkpoint.size == 100
