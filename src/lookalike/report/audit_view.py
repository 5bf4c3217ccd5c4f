"""From an audit to what its page shows: of each kind of finding the worst, with thumbnails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from lookalike.gallery.audit.findings import Audit, ClassBalance, ImageFinding, Leak
from lookalike.parallel import in_order
from lookalike.report.html_report import AuditView, ImageFindingsView, LeakView
from lookalike.report.view_models import GROUP_THUMBNAIL_SIDE, image_view
from lookalike.types import Progress

MAX_SHOWN = 60  # of each kind: a page of thousands of images would not open
FINDINGS = {
    "outliers": ("Outliers", "Images that are far from all others: they may belong to another data set."),
    "blank": ("Blank images", "Images of one colour, which show nothing."),
    "dark": ("Dark images", "Images whose brightest parts are dark."),
    "blurred": ("Blurred images", "Images of which no part is sharp."),
    "odd_sizes": ("Odd sizes", "Images of far fewer or far more pixels than is usual here, and tiny ones."),
    "odd_shapes": ("Odd shapes", "Images that are far wider or far taller than is usual here."),
    "damaged": ("Damaged files", "Files that can be decoded, though something is wrong with them."),
}


def audit_view(audit: Audit, progress: Progress) -> AuditView:
    """With at most MAX_SHOWN leaks and images of each kind. ``progress`` counts them."""
    leaks = audit.leaks[:MAX_SHOWN]
    kinds = {name: _findings(audit, name) for name in FINDINGS}
    tasks = [partial(_leak_view, leak) for leak in leaks]
    shown = [finding for found in kinds.values() for finding in found[:MAX_SHOWN]]
    images = [partial(image_view, path, side=GROUP_THUMBNAIL_SIDE, label=reason) for path, reason in shown]
    leak_views = []
    for done, view in enumerate(in_order(tasks), 1):
        leak_views.append(view)
        progress(done, len(tasks) + len(images))
    image_views = []
    for done, image in enumerate(in_order(images), len(tasks) + 1):
        image_views.append(image)
        progress(done, len(tasks) + len(images))
    rest = iter(image_views)
    findings = tuple(
        ImageFindingsView(*FINDINGS[name], len(found), tuple(next(rest) for _ in found[:MAX_SHOWN]))
        for name, found in kinds.items()
        if found
    )
    splits = tuple(sorted(audit.splits))
    counts = Counter(" and ".join(leak.splits) for leak in audit.leaks)
    balance = audit.class_balance
    return AuditView(
        total_leaks=len(audit.leaks),
        leaks=tuple(leak_views),
        leak_counts=tuple(counts.most_common()),
        findings=findings,
        splits=splits,
        classes=_classes(balance, splits) if balance else (),
        balance=_balance(balance) if balance else "",
        notes=audit.notes,
    )


def _findings(audit: Audit, name: str) -> list[tuple[str, str]]:
    found: Sequence[ImageFinding] = () if name == "damaged" else getattr(audit, name)
    return [(one.path, one.reason) for one in (audit.damaged if name == "damaged" else found)]


def _leak_view(leak: Leak) -> LeakView:
    images = tuple(
        (image_view(one.path, side=GROUP_THUMBNAIL_SIDE), one.split, one.relation, one.probability or 0.0)
        for one in leak.images
    )
    return LeakView(leak.splits, images)


def _classes(balance: ClassBalance, splits: Sequence[str]) -> tuple[tuple[str, tuple[int, ...], int, float, str], ...]:
    totals = {label: sum(counts.values()) for label, counts in balance.counts.items()}
    most = max(totals.values())
    return tuple(
        (
            label,
            tuple(counts.get(split, 0) for split in splits),
            totals[label],
            totals[label] / most,
            _remark(balance, label),
        )
        for label, counts in balance.counts.items()
    )


def _remark(balance: ClassBalance, label: str) -> str:
    absent = [split for name, split in balance.missing if name == label]
    remarks = (["rare"] if label in balance.rare else []) + ([f"none in {', '.join(absent)}"] if absent else [])
    return "; ".join(remarks)


def _balance(balance: ClassBalance) -> str:
    return (
        f"{len(balance.counts):,} classes, as even as {balance.effective_classes:.1f} equally common ones would be. "
        f"The commonest has {balance.imbalance:,.3g} times as many images as the rarest."
    )
