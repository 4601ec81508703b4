"""Rotating what opens doors: the operator's token, the secret that signs links, a clinic's key.

Each has an overlap, so that nobody stands before a closed door: the operator's old token opens until the next `chalice
deploy`, a clinic's old key until it is revoked, links in patients' mail until the overlap is ended. An overlap that
runs is not begun again, so a command that is run twice does what it did once.
"""

from dataclasses import replace

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id, fresh_secret, hash_of_secret
from chalicelib.service.chart import AccessKey
from ops.inside import PLATFORM, Inside
from ops.kept import Kept, fresh_sealed, link_secrets, operator_token
from ops.say import UNCHANGED, say
from ops.stage import NotReady

LINKS_LAST = "those to visits and preferences for 30 days, one-click unsubscribing for 360"

_IN_PLACE_OF = ", in place of "


def rotate_operator_token(inside: Inside, *, reason: str, only_plan: bool) -> None:
    """A new token at each run: whoever runs it twice uses the second."""
    say("Plan: make a new operator's token; the old one ends with the next `chalice deploy`")
    if only_plan:
        say(UNCHANGED)
        return
    digest, token = operator_token(_kept(inside), renew=True)
    inside.stage.tell(RANVIER_OPERATOR_TOKEN=digest)
    inside.note(PLATFORM, "operator_token.rotate", detail="by operators", reason=reason)
    say(f"The operator's new token, shown this once: {token}")
    _deploy_next(inside)


def rotate_links(inside: Inside, *, end: bool, reason: str, only_plan: bool) -> None:
    """Makes what signs links from now on; `end`: has the links signed before open no more."""
    kept = _kept(inside)
    known = link_secrets(kept)
    if end:
        if len(known) < 2:
            say("No overlap runs: only what is signed now opens")
            return
        say("Plan: links signed before the last rotation open no more")
        secrets = known[:1]
    else:
        if len(known) > 1:
            raise NotReady(
                "an overlap runs: links signed before the last rotation still open. "
                f"They live their time ({LINKS_LAST}); `rotate links --end` ends them now. Nothing was changed"
            )
        say(f"Plan: make a new secret for links; links signed before still open, {LINKS_LAST}")
    if only_plan:
        say(UNCHANGED)
        return
    if not end:
        own, key = kept.get("secret"), kept.get("secret-key")
        if own is None or key is None:
            raise NotReady(f"stage {inside.stage.name} has no secret of its own yet: `make provision` makes it")
        secrets = [fresh_sealed(inside.account.client("kms"), inside.stage, key), *(known or [own])]
    kept.put("link-secrets", ",".join(secrets))
    inside.stage.tell(RANVIER_LINK_SECRETS=",".join(secrets))
    inside.note(PLATFORM, "link_secret.end" if end else "link_secret.rotate", detail="by operators", reason=reason)
    say("Done" if end else "Made")
    _deploy_next(inside)


def rotate_clinic_key(inside: Inside, clinic_id: str, key_id: str, *, reason: str, only_plan: bool) -> None:
    """A new key of the same role beside the old one, which opens until it is revoked."""
    key = _key(clinic_id, key_id)
    label = f"{key.label.partition(_IN_PLACE_OF)[0]}{_IN_PLACE_OF}{key.id}"
    for other in wiring.store().keys(clinic_id):
        if other.label == label:
            raise NotReady(
                f"key {other.id} was made in its place at {other.created_at:%Y-%m-%d %H:%M}Z, its token shown then. "
                f"Lost? `revoke {clinic_id} {other.id}`, then run this again. Nothing was changed"
            )
    say(f"Plan: make a key of role {key.role} beside {key.id} for clinic {clinic_id}; both open until one is revoked")
    if only_plan:
        say(UNCHANGED)
        return
    secret = fresh_secret()
    made = replace(key, id=fresh_id(), label=label, secret_hash=hash_of_secret(secret), created_at=inside.now)
    wiring.store().add_key(made)
    inside.note(clinic_id, "key.create", detail=f"{made.role} {made.id}", reason=reason)
    say(f"Key {made.id}, its token shown this once: {secret}")
    say(f"When the clinic uses it: python -m ops {inside.stage.name} revoke {clinic_id} {key.id} --reason …")


def revoke_clinic_key(inside: Inside, clinic_id: str, key_id: str, *, reason: str, only_plan: bool) -> None:
    if wiring.store().clinic(clinic_id) is not None and all(k.id != key_id for k in wiring.store().keys(clinic_id)):
        say(f"clinic {clinic_id} has no key {key_id}, or no longer")
        return
    key = _key(clinic_id, key_id)
    say(f"Plan: key {key.id} of role {key.role} opens no more for clinic {clinic_id}")
    if only_plan:
        say(UNCHANGED)
        return
    wiring.store().revoke_key(key)
    inside.note(clinic_id, "key.revoke", detail=f"{key.role} {key.id}", reason=reason)
    say("Revoked")


def _key(clinic_id: str, key_id: str) -> AccessKey:
    if wiring.store().clinic(clinic_id) is None:
        raise NotReady(f"there is no clinic {clinic_id}")
    found = [key for key in wiring.store().keys(clinic_id) if key.id == key_id]
    if not found:
        known = ", ".join(f"{key.id} ({key.role})" for key in wiring.store().keys(clinic_id)) or "none"
        raise NotReady(f"clinic {clinic_id} has no key {key_id}; it has {known}")
    return found[0]


def _kept(inside: Inside) -> Kept:
    return Kept(inside.account.client("ssm"), inside.stage)


def _deploy_next(inside: Inside) -> None:
    say(f"It takes effect with: .venv/bin/chalice deploy --stage {inside.stage.name}")
