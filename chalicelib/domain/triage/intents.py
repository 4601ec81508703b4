"""What a message asks or answers, apart from how worrying it is.

Opt-outs are read generously (47 CFR 64.1200(a)(10): any wording a reasonable person would take so counts), answers
strictly: a homophone or a bare digit is an answer only where a question that takes it is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .knowledge import Answers
from .phrases import Found
from .plain import Plain, is_ideograph
from .values import DIGITS, YES_OR_NO, Intent, IntentKind, Listener, Prompt, PromptKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """`closed` is true when the whole message is commands, answers or courtesy, with no words left to triage."""

    intents: tuple[Intent, ...]
    closed: bool


TEXT = Intent(kind=IntentKind.TEXT)


def understand(
    message: Plain, forms: list[tuple[str, ...]], listener: Listener, prompts: Sequence[Prompt], answers: Answers
) -> Understood:
    """Read the message's intents. Prompts need not be in order; the one asked last is tried first."""
    newest = tuple(sorted(prompts, key=lambda prompt: prompt.asked_at, reverse=True))
    return _Hearing(message, forms, listener, newest, answers).understood()


@dataclass(frozen=True, slots=True)
class _Hearing:
    message: Plain
    forms: list[tuple[str, ...]]
    listener: Listener
    prompts: tuple[Prompt, ...]
    answers: Answers

    def understood(self) -> Understood:
        if not self.message.tokens:
            return Understood(intents=(TEXT,), closed=False)
        found = self.answers.phrases.find(self.forms)
        return (
            self._acknowledgement()
            or self._opting_out(found)
            or self._command()
            or self._answer(found)
            or self._courtesy(found)
            or self._words(found)
        )

    def _core(self) -> tuple[str, ...]:
        """The tokens without politeness: "STOP please" is STOP, "3 thanks" is 3."""
        polite = self.answers.whole["polite"]
        kept = tuple(token for token in self.message.tokens if token not in polite)
        return kept or self.message.tokens

    def _whole(self, tokens: Sequence[str]) -> str:
        bare = Plain(tokens=tuple(tokens), reach=(), stops=frozenset())
        return bare.quote(0, len(tokens))

    def _covered(self, found: Sequence[Found], keys: frozenset[str]) -> set[int]:
        return {at for each in found if each.key in keys for at in range(each.start, each.end)}

    def _acknowledgement(self) -> Understood | None:
        tokens = self.message.tokens
        if len(tokens) == 2 and tokens[0] == "ack" and tokens[1].isdigit() and len(tokens[1]) <= 9:
            return _closed(Intent(kind=IntentKind.ACK, value=int(tokens[1])))
        return None

    def _opting_out(self, found: Sequence[Found]) -> Understood | None:
        tokens, keys = self.message.tokens, {each.key for each in found}
        spoken = self._opt_out_tokens(found)
        if spoken:
            intents = [Intent(kind=IntentKind.OPT_OUT)]
            if "wrong_person" in keys:
                intents.append(Intent(kind=IntentKind.WRONG_PERSON))
            spoken |= self._covered(found, frozenset({"opt_out_filler"}))
            spoken |= {at for at, token in enumerate(tokens) if token in self.answers.whole["polite"]}
            if len(spoken) < len(tokens):
                return Understood(intents=(*intents, TEXT), closed=False)
            return _closed(*intents)
        opens = tokens[0] in self.answers.opt_out_openings or tokens[0] in self.answers.opt_out_first
        if len(tokens) > 1 and opens and "reschedule" not in keys:
            return Understood(intents=(Intent(kind=IntentKind.POSSIBLE_OPT_OUT), TEXT), closed=False)
        return None

    def _opt_out_tokens(self, found: Sequence[Found]) -> set[int]:
        """The tokens that say "no more texts", by keyword or in plain words; none when nothing does."""
        answers, tokens = self.answers, self.message.tokens
        whole = self._whole(self._core())
        # "S T O P"
        spelled = whole.replace(" ", "") if all(len(each) == 1 for each in tokens) else whole
        if whole in answers.opt_out_whole or spelled in answers.opt_out_first:
            return set(range(len(tokens)))
        spoken = self._covered(found, frozenset({"opt_out", "wrong_person"}))
        keys = {each.key for each in found}
        if tokens[0] in answers.opt_out_first and "stop_errand" not in keys:
            spoken.add(0)
        pause = min(self.message.stops, default=len(tokens))
        # "CANCEL, can we do Friday" may mean the visit; such one-word openings are asked about, not obeyed.
        doubtful = pause == 0 and not is_ideograph(tokens[0][0])
        if self._whole(tokens[: pause + 1]) in answers.opt_out_whole and not doubtful:
            spoken.update(range(pause + 1))
        return spoken

    def _command(self) -> Understood | None:
        whole = self._whole(self._core())
        for kind in (IntentKind.OPT_IN, IntentKind.HELP, IntentKind.CONFIRM, IntentKind.RESCHEDULE, IntentKind.DONE):
            if whole in self.answers.whole[kind.value]:
                visit = kind in {IntentKind.CONFIRM, IntentKind.RESCHEDULE}
                prompt = self._open(frozenset({PromptKind.APPOINTMENT})) if visit else None
                return _closed(Intent(kind=kind, prompt_id=prompt.id if prompt else None))
        visit_prompt = self._open(frozenset({PromptKind.APPOINTMENT}))
        if visit_prompt:
            # Dictation writes the letter as the word it sounds like (§3.2).
            for kind, key in ((IntentKind.CONFIRM, "sounds_c"), (IntentKind.RESCHEDULE, "sounds_r")):
                if whole in self.answers.whole[key]:
                    return _closed(Intent(kind=kind, prompt_id=visit_prompt.id))
        return None

    def _open(self, kinds: frozenset[PromptKind]) -> Prompt | None:
        return next((prompt for prompt in self.prompts if prompt.kind in kinds), None)

    def _answer(self, found: Sequence[Found]) -> Understood | None:
        tokens = self.message.tokens
        closed_question = self._open(YES_OR_NO)
        takes_digit = next((prompt for prompt in self.prompts if prompt.kind in DIGITS), None)
        asked_last = self.prompts[0].kind if self.prompts else None
        whole = self._whole(self._core())
        yes_first = asked_last in YES_OR_NO or not takes_digit
        if yes_first and (said := self._yes_or_no(whole, closed_question)):
            return _closed(said)
        number = self._number(found, takes_digit is not None)
        if number is not None:
            return _closed(self._digit(number))
        if not yes_first and (said := self._yes_or_no(whole, closed_question)):
            return _closed(said)
        follows = len(tokens) > 1
        if follows and takes_digit and len(tokens[0]) == 1 and tokens[0].isdigit() and not self._counts(found):
            return Understood(intents=(self._digit(int(tokens[0])), TEXT), closed=False)
        if follows and closed_question and (said := self._leading(closed_question)):
            return Understood(intents=(said, TEXT), closed=False)
        return None

    def _yes_or_no(self, whole: str, question: Prompt | None) -> Intent | None:
        words, language = self.answers.whole, self.listener.language
        yes = whole in words["yes"] or whole in words.get(f"yes_{language}", frozenset())
        no = whole in words["no"]
        if question:
            # "A little" to "anything new or worse?" is a yes; "nothing new" is a no only where it was asked.
            yes = yes or whole in words["hedged_yes"]
            no = no or whole in words["asked_no"]
        if not (yes or no):
            return None
        return Intent(kind=IntentKind.YES if yes else IntentKind.NO, prompt_id=question.id if question else None)

    def _leading(self, question: Prompt) -> Intent | None:
        """Yes or no with words behind it. A bare "no" needs a pause after it: "no chest pain" is not an answer."""
        head, words = self.message.tokens[0], self.answers.whole
        paused = 0 in self.message.stops
        certain = head in words["leading_yes"] and not (head == "y" and self.listener.language == "es")
        if certain or (paused and (head in words["yes"] or head in words.get(f"yes_{self.listener.language}", ()))):
            return Intent(kind=IntentKind.YES, prompt_id=question.id)
        if head == "n" or (paused and head in words["no"]):
            return Intent(kind=IntentKind.NO, prompt_id=question.id)
        return None

    def _number(self, found: Sequence[Found], asked: bool) -> int | None:
        core = self._core()
        whole = self._whole(core)
        if whole.isdigit() and len(core) == 1 and len(whole) <= 9:
            return int(whole)
        if not asked:
            return None
        if whole in self.answers.numbers:
            return self.answers.numbers[whole]
        around = self._covered(found, frozenset({"number_filler"}))
        left = [token for at, token in enumerate(self.message.tokens) if at not in around]
        if len(left) == 1 and left[0].isdigit() and len(left[0]) == 1:
            return int(left[0])
        return None

    def _counts(self, found: Sequence[Found]) -> bool:
        """Whether the first digit counts something ("3 days without"), which makes it no answer."""
        return any(each.key == "unit" and each.start == 1 for each in found)

    def _digit(self, value: int) -> Intent:
        open_for_digits = [prompt for prompt in self.prompts if prompt.kind in DIGITS]
        fits = next((prompt for prompt in open_for_digits if value in DIGITS[prompt.kind]), None)
        asked = fits or (open_for_digits[0] if open_for_digits else None)
        return Intent(
            kind=IntentKind.DIGIT, value=value, prompt_id=asked.id if asked else None, in_range=fits is not None
        )

    def _courtesy(self, found: Sequence[Found]) -> Understood | None:
        covered = self._covered(found, frozenset({"courtesy", "courtesy_filler"}))
        whole = self._whole(self.message.tokens)
        kind_words = any(each.key == "courtesy" for each in found) or whole in self.answers.whole["courtesy"]
        if kind_words and (len(covered) == len(self.message.tokens) or whole in self.answers.whole["courtesy"]):
            return _closed(Intent(kind=IntentKind.COURTESY))
        return None

    def _words(self, found: Sequence[Found]) -> Understood:
        keys = {each.key for each in found}
        intents: list[Intent] = []
        if "reschedule" in keys:
            prompt = self._open(frozenset({PromptKind.APPOINTMENT}))
            intents.append(Intent(kind=IntentKind.RESCHEDULE, prompt_id=prompt.id if prompt else None))
        if "opt_in" in keys:
            intents.append(Intent(kind=IntentKind.OPT_IN))
        if keys & {"admin", "reschedule"}:
            intents.append(Intent(kind=IntentKind.ADMIN))
        return Understood(intents=(*intents, TEXT), closed=False)


def _closed(*intents: Intent) -> Understood:
    return Understood(intents=intents, closed=True)
