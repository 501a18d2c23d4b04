"""Jobs and CronJobs: that they start when they should, end some day, and are cleared away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slipway.rules.context import Context
from slipway.rules.cron import fault
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import POD_KINDS, PodView
from slipway.rules.quantity import whole
from slipway.rules.registry import pod_rule, rule
from slipway.rules.shape import annotations_of, dig, listing, mapping, name_of

__all__ = ["HOOKS"]

_JOB, _CRON = "Job.batch", "CronJob.batch"
_SOON = 10
_RETRIES, _RETRIES_MOST = 6, 10
_KEPT_DONE, _KEPT_FAILED, _KEPT_MOST = 3, 1, 20
HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
"""Annotations of what a sync or a release makes and deletes."""
_TO_AN_END = ("Never", "OnFailure")
_JOB_CEL = "(object.kind == 'Job' ? object.spec : object.spec.jobTemplate.spec)"


def _job(item: Object) -> tuple[Path, dict[str, Any]]:
    """Where a Job's spec is, and the spec; the one that a CronJob makes Jobs from."""
    where = ("spec",) if item.get("kind") == "Job" else ("spec", "jobTemplate", "spec")
    return where, mapping(dig(item, *where))


@rule(
    id="cronjob-schedule-invalid",
    title="Schedules are ones that cron reads, and their time comes",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="The API server refuses a schedule that it cannot read; one such as `0 0 30 2 *` it takes, and nothing "
    "ever runs.",
    remedy="Write five fields (minute, hour, day of month, month, day of week from 0) or `@daily` and its like.",
    sources=("kubernetes:cronjob-schedule-syntax", "robfig-cron:ParseStandard"),
    kinds=(_CRON,),
)
def cronjob_schedule_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """A schedule that cannot be read, or never comes."""
    schedule = dig(item, "spec", "schedule")
    if isinstance(schedule, str) and (wrong := fault(schedule)):
        yield Violation(("spec", "schedule"), f"the schedule '{schedule[:80]}' {wrong}")


@rule(
    id="cronjob-deadline-missing",
    title="CronJobs know until when a missed run is worth starting",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Without it runs that were missed (a control plane that was down, a suspension) count for ever: the "
    "latest starts at an hour that nobody chose, and after a hundred nothing starts any more. Below ten seconds a "
    "run can be missed between two looks of the controller.",
    remedy=f"Set spec.startingDeadlineSeconds, {_SOON} at least.",
    sources=("kube-score:cronjob-has-deadline",),
    kinds=(_CRON,),
    severity_in={"dev": Severity.LOW},
    cel=f"has(object.spec.startingDeadlineSeconds) && object.spec.startingDeadlineSeconds >= {_SOON}",
)
def cronjob_deadline_missing(item: Object, context: Context) -> Iterable[Violation]:
    """No `startingDeadlineSeconds`, or one that is shorter than the controller's period."""
    deadline = whole(dig(item, "spec", "startingDeadlineSeconds"))
    if deadline is None:
        yield Violation(("spec",), f"'{name_of(item)}' has no startingDeadlineSeconds")
    elif deadline < _SOON:
        yield Violation(("spec", "startingDeadlineSeconds"), f"'{name_of(item)}' gives a run {deadline} s to start")


@rule(
    id="cronjob-overlaps",
    title="A CronJob's runs do not overlap",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="When a run takes longer than the schedule's step, runs pile up, do the work twice and take each other's "
    "resources.",
    remedy="Set concurrencyPolicy to Forbid, or to Replace where the newest run matters.",
    sources=("kubernetes:concurrency-policy",),
    kinds=(_CRON,),
    severity_in={"dev": Severity.LOW},
    cel="object.spec.?concurrencyPolicy.orValue('Allow') != 'Allow'",
)
def cronjob_overlaps(item: Object, context: Context) -> Iterable[Violation]:
    """`Allow`, which it also is when nothing is written."""
    if (dig(item, "spec", "concurrencyPolicy") or "Allow") == "Allow":
        yield Violation(("spec", "concurrencyPolicy"), f"runs of '{name_of(item)}' may overlap")


@rule(
    id="cronjob-history-unfit",
    title="A CronJob keeps a few finished runs",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="With no failed run kept there is no log to read; with many, finished Pods crowd the API server.",
    remedy=f"Keep from 1 to {_KEPT_MOST} failed runs and at most {_KEPT_MOST} successful ones.",
    sources=("kubernetes:jobs-history-limits",),
    kinds=(_CRON,),
    cel=f"object.spec.?failedJobsHistoryLimit.orValue({_KEPT_FAILED}) >= 1 && "
    f"object.spec.?failedJobsHistoryLimit.orValue({_KEPT_FAILED}) <= {_KEPT_MOST} && "
    f"object.spec.?successfulJobsHistoryLimit.orValue({_KEPT_DONE}) <= {_KEPT_MOST}",
)
def cronjob_history_unfit(item: Object, context: Context) -> Iterable[Violation]:
    """No failed run, or more than 20 of a sort."""
    spec = mapping(item.get("spec"))
    failed, done = whole(spec.get("failedJobsHistoryLimit"), _KEPT_FAILED), spec.get("successfulJobsHistoryLimit")
    if not 1 <= failed <= _KEPT_MOST:
        yield Violation(("spec", "failedJobsHistoryLimit"), f"'{name_of(item)}' keeps {failed} failed runs")
    if whole(done, _KEPT_DONE) > _KEPT_MOST:
        yield Violation(("spec", "successfulJobsHistoryLimit"), f"'{name_of(item)}' keeps {done} successful runs")


@rule(
    id="cronjob-suspended",
    title="CronJobs are not suspended in Git",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="A backup or a clean-up that was suspended for an hour stays so until somebody misses it.",
    remedy="Remove spec.suspend, or the CronJob.",
    sources=("kubernetes:schedule-suspension",),
    kinds=(_CRON,),
    cel="!object.spec.?suspend.orValue(false)",
)
def cronjob_suspended(item: Object, context: Context) -> Iterable[Violation]:
    """`suspend: true`."""
    if dig(item, "spec", "suspend") is True:
        yield Violation(("spec", "suspend"), f"'{name_of(item)}' is suspended")


@rule(
    id="job-ttl-missing",
    title="Finished Jobs are cleared away",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Nobody deletes a Job that is over: it and its Pods stay in the API server for ever.",
    remedy="Set spec.ttlSecondsAfterFinished. A CronJob's history limits and a hook's delete policy do the same for "
    "theirs.",
    sources=("kube-linter:job-ttl-seconds-after-finished",),
    kinds=(_JOB,),
    cel=f"has(object.spec.ttlSecondsAfterFinished) || (has(object.metadata.ownerReferences) && "
    "object.metadata.ownerReferences.exists(o, o.kind == 'CronJob')) || (has(object.metadata.annotations) && "
    f"{list(HOOKS)}.exists(h, h in object.metadata.annotations))",
)
def job_ttl_missing(item: Object, context: Context) -> Iterable[Violation]:
    """A Job that belongs to no CronJob and is no hook, without `ttlSecondsAfterFinished`."""
    if dig(item, "spec", "ttlSecondsAfterFinished") is not None or any(hook in annotations_of(item) for hook in HOOKS):
        return
    owners = listing(mapping(item.get("metadata")).get("ownerReferences"))
    if not any(mapping(owner).get("kind") == "CronJob" for owner in owners):
        yield Violation(("spec",), f"'{name_of(item)}' stays after it has finished")


@rule(
    id="job-retries-too-many",
    title="Jobs give up after a few failures",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Retries wait longer each time, up to six minutes: more than ten of them hide a failure for an hour.",
    remedy=f"Set backoffLimit to {_RETRIES_MOST} or less; it is {_RETRIES} when absent.",
    sources=("kubernetes:pod-backoff-failure-policy",),
    kinds=(_JOB, _CRON),
    cel=f"{_JOB_CEL}.?backoffLimit.orValue({_RETRIES}) <= {_RETRIES_MOST} || has({_JOB_CEL}.backoffLimitPerIndex)",
)
def job_retries_too_many(item: Object, context: Context) -> Iterable[Violation]:
    """A `backoffLimit` above ten. With a limit per index the total is no measure."""
    where, spec = _job(item)
    retries = whole(spec.get("backoffLimit"), _RETRIES)
    if retries > _RETRIES_MOST and spec.get("backoffLimitPerIndex") is None:
        yield Violation((*where, "backoffLimit"), f"'{name_of(item)}' tries {retries} times again")


@rule(
    id="job-deadline-missing",
    title="Jobs end some day",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="A Job that hangs runs for ever, and with `Forbid` its CronJob never runs again. How long is too long "
    "only its author knows, so this costs no points.",
    remedy="Set activeDeadlineSeconds in the Job's spec.",
    sources=("kubernetes:job-termination-and-cleanup",),
    kinds=(_JOB, _CRON),
    cel=f"has({_JOB_CEL}.activeDeadlineSeconds) || has({_JOB_CEL}.template.spec.activeDeadlineSeconds)",
)
def job_deadline_missing(item: Object, context: Context) -> Iterable[Violation]:
    """No `activeDeadlineSeconds`, neither the Job's nor its Pods'."""
    where, spec = _job(item)
    if spec.get("activeDeadlineSeconds") is None and dig(spec, "template", "spec", "activeDeadlineSeconds") is None:
        yield Violation(where, f"'{name_of(item)}' may run for ever")


@pod_rule(
    id="restart-policy-invalid",
    title="Pods restart as their kind wants",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="A Job's Pods must end and a Deployment's must not: the API server refuses the other policy, and a Job "
    "that names none has `Always`.",
    remedy="Set restartPolicy to OnFailure or Never for Jobs and CronJobs; leave it out elsewhere.",
    sources=("kube-score:cronjob-restartpolicy", "kube-linter:restart-policy"),
    kinds=POD_KINDS - {"Pod", "PodTemplate"},
)
def restart_policy_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """A policy that the kind cannot have."""
    policy = pod.spec.get("restartPolicy")
    if pod.kind in ("Job", "CronJob"):
        if policy not in _TO_AN_END:
            said = f"is '{policy}'" if policy else "is not set"
            yield Violation((*pod.path, "restartPolicy"), f"the restartPolicy of '{name_of(pod.object)}' {said}")
    elif policy not in (None, "", "Always"):
        yield Violation((*pod.path, "restartPolicy"), f"the restartPolicy of '{name_of(pod.object)}' is '{policy}'")
