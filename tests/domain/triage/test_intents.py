"""Commands, answers and opt-outs, in the words and slips people use."""

import pytest

from chalicelib.domain.triage import Intent, IntentKind, Knowledge, Listener, PromptKind, Tier, read

from .conftest import asked

PSFS, CHANGE, VISIT = PromptKind.CHECKIN_PSFS, PromptKind.CHECKIN_CHANGE, PromptKind.APPOINTMENT
MEDS, SEVERITY, NET = PromptKind.CHECKIN_MEDS, PromptKind.CHECKIN_SEVERITY, PromptKind.SAFETY_NET
PROGRAM, REFILL = PromptKind.HOME_PROGRAM, PromptKind.REFILL


def _digit(value: int, prompt: PromptKind | None, *, in_range: bool = True) -> Intent:
    return Intent(kind=IntentKind.DIGIT, value=value, prompt_id=prompt.value if prompt else None, in_range=in_range)


@pytest.mark.parametrize(
    ("text", "prompts", "expected"),
    [
        ("2", [PSFS], _digit(2, PSFS)),
        (" ３。", [PSFS], _digit(3, PSFS)),
        ("3️⃣", [PSFS], _digit(3, PSFS)),
        ("②", [PSFS], _digit(2, PSFS)),
        ("٤", [PSFS], _digit(4, PSFS)),
        ("to", [PSFS], _digit(2, PSFS)),
        ("Won", [SEVERITY], _digit(1, SEVERITY)),
        ("oh", [PSFS], _digit(0, PSFS)),
        ("dos", [PSFS], _digit(2, PSFS)),
        ("trois", [PSFS], _digit(3, PSFS)),
        ("两", [PSFS], _digit(2, PSFS)),
        ("seven", [PROGRAM], _digit(7, PROGRAM)),
        ("I think it's a 3", [PSFS], _digit(3, PSFS)),
        ("diria que un 2", [PSFS], _digit(2, PSFS)),
        ("大概2吧", [PSFS], _digit(2, PSFS)),
        ("3 thanks", [PSFS], _digit(3, PSFS)),
        ("9", [PSFS], _digit(9, PSFS, in_range=False)),
        ("4", [PSFS, SEVERITY], _digit(4, PSFS)),
        ("2", [PSFS, VISIT], _digit(2, PSFS)),
        ("3", [PSFS, MEDS], _digit(3, MEDS)),
        ("3", [], _digit(3, None, in_range=False)),
        ("none", [PSFS], _digit(0, PSFS)),
    ],
)
def test_a_number_answers_the_last_open_question_it_fits(
    knowledge: Knowledge, text: str, prompts: list[PromptKind], expected: Intent
) -> None:
    reading = read(text, Listener(), asked(*prompts), knowledge)

    assert reading.intents == (expected,)
    assert reading.tier is (Tier.ROUTINE if expected.in_range else Tier.REVIEW_SOON)


@pytest.mark.parametrize("text", ["to", "for", "won", "see", "are", "know"])
def test_a_word_that_sounds_like_an_answer_is_words_when_nothing_was_asked(knowledge: Knowledge, text: str) -> None:
    assert read(text, Listener(), [], knowledge).has(IntentKind.TEXT)


@pytest.mark.parametrize(
    ("text", "digit"), [("2 and my back aches", 2), ("1, but a sore on my hip", 1), ("3 peor que ayer", 3)]
)
def test_a_digit_with_words_behind_it_is_both(knowledge: Knowledge, text: str, digit: int) -> None:
    reading = read(text, Listener(), asked(PSFS), knowledge)

    assert reading.first(IntentKind.DIGIT) == _digit(digit, PSFS)
    assert reading.has(IntentKind.TEXT)
    assert reading.tier.severity >= Tier.REVIEW_SOON.severity


@pytest.mark.parametrize("text", ["3 days without peeing", "2 pills left", "4 dias sin evacuar", "3天没尿"])
def test_a_digit_that_counts_something_is_no_answer(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), asked(PSFS), knowledge)

    assert not reading.has(IntentKind.DIGIT)
    assert reading.tier.severity >= Tier.URGENT.severity


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("Y", "en", IntentKind.YES),
        ("yes.", "en", IntentKind.YES),
        ("S", "es", IntentKind.YES),
        ("Sí", "es", IntentKind.YES),
        ("O", "fr", IntentKind.YES),
        ("oui", "fr", IntentKind.YES),
        ("是", "zh", IntentKind.YES),
        ("有", "zh", IntentKind.YES),
        ("a little", "en", IntentKind.YES),
        ("un poco", "es", IntentKind.YES),
        ("有点", "zh", IntentKind.YES),
        ("N", "en", IntentKind.NO),
        ("no", "es", IntentKind.NO),
        ("non", "fr", IntentKind.NO),
        ("没有", "zh", IntentKind.NO),
        ("know", "en", IntentKind.NO),
        ("nothing new", "en", IntentKind.NO),
    ],
)
def test_yes_and_no_are_heard_in_each_language(
    knowledge: Knowledge, text: str, language: str, kind: IntentKind
) -> None:
    reading = read(text, Listener(language=language), asked(CHANGE), knowledge)

    assert reading.intents == (Intent(kind=kind, prompt_id=CHANGE.value),)
    assert reading.tier is (Tier.URGENT if kind is IntentKind.YES else Tier.ROUTINE)


def test_yes_with_words_behind_it_is_urgent_and_read(knowledge: Knowledge) -> None:
    reading = read("Yes, a new chair came", Listener(), asked(NET), knowledge)

    assert reading.first(IntentKind.YES) == Intent(kind=IntentKind.YES, prompt_id=NET.value)
    assert reading.has(IntentKind.TEXT)
    assert reading.tier is Tier.URGENT


def test_no_before_a_symptom_is_not_an_answer(knowledge: Knowledge) -> None:
    reading = read("No siento las piernas", Listener(language="es"), asked(CHANGE), knowledge)

    assert not reading.has(IntentKind.NO)
    assert reading.tier is Tier.URGENT


def test_yes_to_nothing_is_for_a_human_and_the_safety_net_is_asked(knowledge: Knowledge) -> None:
    reading = read("Y", Listener(), asked(VISIT), knowledge)

    assert reading.intents == (Intent(kind=IntentKind.YES),)
    assert (reading.tier, reading.ask_safety_net) == (Tier.REVIEW_SOON, True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("C", IntentKind.CONFIRM),
        ("confirmar", IntentKind.CONFIRM),
        ("确认", IntentKind.CONFIRM),
        ("sea", IntentKind.CONFIRM),
        ("R", IntentKind.RESCHEDULE),
        ("改期", IntentKind.RESCHEDULE),
        ("are", IntentKind.RESCHEDULE),
        ("done", IntentKind.DONE),
        ("START", IntentKind.OPT_IN),
        ("unstop", IntentKind.OPT_IN),
        ("HELP", IntentKind.HELP),
        ("ayuda", IntentKind.HELP),
        ("帮助", IntentKind.HELP),
        ("muchas gracias", IntentKind.COURTESY),
        ("ok great, see you tuesday", IntentKind.COURTESY),
        ("好的谢谢", IntentKind.COURTESY),
        ("🙏🏽", IntentKind.COURTESY),
    ],
)
def test_commands_and_courtesies_are_routine(knowledge: Knowledge, text: str, kind: IntentKind) -> None:
    reading = read(text, Listener(), asked(VISIT), knowledge)

    assert [intent.kind for intent in reading.intents] == [kind]
    assert (reading.tier, reading.ask_safety_net) == (Tier.ROUTINE, False)


@pytest.mark.parametrize("text", ["OK", "yes"])
def test_a_visit_is_never_confirmed_by_ok_or_yes(knowledge: Knowledge, text: str) -> None:
    assert not read(text, Listener(), asked(VISIT), knowledge).has(IntentKind.CONFIRM)


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop.", "STOP please", "Please stop", "S T O P", "Stpo", "StopAll", "unsubscribe", "Cancel"),
        *("END", "quit", "revoke", "opt out", "Stop texting me", "please quit texting me", "lose my number"),
        *("I don't want these texts anymore", "take me off this list", "leave me alone"),
        *("ALTO", "baja", "No más", "no quiero recibir más mensajes", "dejen de escribirme", "denme de baja"),
        *("ARRET", "fin", "Arrêtez de m'écrire", "je ne veux plus recevoir de SMS", "désabonnez-moi"),
        *("TD", "退订", "停止", "别再发了", "不要再给我发短信", "我要退订"),
    ],
)
def test_opting_out_is_heard_in_keywords_and_in_plain_words(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert reading.has(IntentKind.OPT_OUT)
    assert reading.reply == "stop_confirm"
    assert not reading.ask_safety_net


@pytest.mark.parametrize(
    "text", ["wrong number", "número equivocado", "mauvais numéro", "打错了", "you have the wrong person"]
)
def test_a_stranger_opts_out_as_the_wrong_person(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert reading.has(IntentKind.OPT_OUT)
    assert reading.has(IntentKind.WRONG_PERSON)


@pytest.mark.parametrize(
    "text",
    [
        *("cancel my appointment", "I need to cancel my visit on friday", "quiero cancelar mi cita"),
        *("je dois annuler mon rdv", "取消明天的预约", "can't make it tomorrow", "cancelar mi cita por favor"),
    ],
)
def test_cancelling_a_visit_is_a_request_to_reschedule(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), asked(VISIT), knowledge)

    assert reading.first(IntentKind.RESCHEDULE) == Intent(kind=IntentKind.RESCHEDULE, prompt_id=VISIT.value)
    assert not reading.has(IntentKind.OPT_OUT)
    assert not reading.has(IntentKind.POSSIBLE_OPT_OUT)
    assert reading.tier is Tier.REVIEW_SOON


@pytest.mark.parametrize("text", ["End of therapy today?", "Stop by the desk tomorrow?", "quit smoking this week"])
def test_what_only_begins_like_an_opt_out_is_asked_about(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert reading.has(IntentKind.POSSIBLE_OPT_OUT)
    assert not reading.has(IntentKind.OPT_OUT)


@pytest.mark.parametrize(
    "text", ["Stop, my chest hurts", "STOP texting, I want to die", "退订，我胸口疼", "Arret. je ne respire plus"]
)
def test_an_opt_out_with_danger_behind_it_is_both_and_staff_telephone(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert reading.has(IntentKind.OPT_OUT)
    assert (reading.tier, reading.phone_patient) == (Tier.EMERGENCY, True)
    assert reading.reply == "stop_confirm"


@pytest.mark.parametrize(("text", "code"), [("ACK 42", 42), ("ack #7", 7), ("Ack 0042", 42)])
def test_staff_acknowledge_by_code(knowledge: Knowledge, text: str, code: int) -> None:
    assert read(text, Listener(), [], knowledge).intents == (Intent(kind=IntentKind.ACK, value=code),)


@pytest.mark.parametrize("text", ["", "   ", "?", "…", "\u200b\u202e"])
def test_a_message_without_words_goes_to_a_human(knowledge: Knowledge, text: str) -> None:
    reading = read(text, Listener(), [], knowledge)

    assert (reading.tier, reading.reply) == (Tier.REVIEW_SOON, "ack_unknown")
