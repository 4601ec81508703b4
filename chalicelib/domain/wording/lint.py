"""What patient copy may never say, as a check that fails the build.

Three rules come from what goes wrong elsewhere. *Reassurance*: spasms after an injury are read as hope, and a
worsening spasm may be an infection or a syrinx, so no text says that anything is fine. *Diagnosis and drug
names*: a text is read on lock screens and by whoever holds the phone. *Clashing reply words*: CANCEL, END or
FIN are opt-out words by law and by carrier, so a text that asks for one of them silences the patient.

Lists of every language apply to every text: a Spanish text may carry an English phrase.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.wording.book import Content
from chalicelib.domain.wording.measure import Encoding, is_gsm, measure
from chalicelib.domain.wording.slots import clean, fold

MAX_CLINIC_UNITS = {Encoding.GSM_7: 20, Encoding.UCS_2: 6}
"""Room the copy leaves for a clinic's name; a longer one costs a second segment in the longest texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One broken rule. `detail` quotes the words that broke it; `where` names the copy, if known."""

    rule: str
    detail: str
    where: str = ""


def _words(*lines: str) -> tuple[str, ...]:
    return tuple(word for line in lines for word in line.split("|"))


# Accents and apostrophes are folded away before matching. A trailing * matches any ending. Chinese has no
# word ends, so its lists match anywhere.
_REASSURANCE = _words(
    "good sign|positive sign|encouraging|nothing to worry|no need to worry|dont worry|do not worry",
    "no cause for alarm|youre fine|you are fine|youll be fine|is normal|perfectly normal|all clear",
    "no action needed|recovering|improving|getting better|safe to|its ok|its okay",
    "buena senal|no se preocupe|no hay de que preocuparse|es normal|todo bien|sin problema|esta mejorando",
    "bon signe|ne vous inquietez pas|c est normal|tout va bien|pas de probleme|rien de grave",
)
_REASSURANCE_ZH = _words("好现象|不用担心|别担心|不必担心|正常|没事|没问题|放心|好转")
_DIAGNOSIS = _words(
    "spinal cord|sci|paralys*|paraplegi*|tetraplegi*|quadriplegi*|necrosis|asia|pump|ischemi*|ischaemi*",
    "myelopath*|medula|medular|paralisis|paraplejia|tetraplejia|bomba|moelle|medullaire|necrose|pompe",
    "dob|mrn|date of birth|medical record|fecha de nacimiento|historia clinica|date de naissance",
    "numero de dossier",
)
_DIAGNOSIS_ZH = _words("脊髓|瘫|坏死|缺血|泵|出生日期|病历号")
_DRUGS = _words(
    "baclofen*|lioresal|gablofen|botox|botulin*|toxina|toxine|tizanidin*|zanaflex|dantrolen*|dantrium",
    "diazepam|valium|clonazepam|gabapentin*|neurontin|pregabalin*|lyrica|oxybutynin*|oxibutinina|aspirin*",
    "clopidogrel|warfarin*|apixaban|rivaroxaban|heparin*|morphine|morfina|opioid*|oxycodone|tramadol",
)
_DRUGS_ZH = _words("巴氯芬|肉毒|替扎尼定|丹曲林|地西泮|加巴喷丁|普瑞巴林|阿司匹林|华法林")
# What would tell a bystander about body, symptom or medicine. Visit, session, therapy, treatment and review
# are not among them: they say no more than the name of the clinic does.
_HEALTH = _words(
    "spasm*|skin|bladder|bowel|feeling|movement|breath*|legs|catheter|medicine*|medication*|pills|refill is",
    "pain|fever|itching|confusion|stiffness|wound|how strong|mood|symptom*|sensation*",
    "espasm*|piel|vejiga|intestin*|orinar|evacuar|sentir|mover|respira*|piernas|sonda|medicina*|pastillas",
    "medicament*|su receta|dolor|fiebre|picor|desorientado|rigidez|herida|marca|intensidad|sintoma*",
    "peau|vessie|mouvement*|souffle|jambes|sonde|vos traitements|ordonnance a|votre ordonnance|douleur*",
    "fievre|demangeaison*|raideur|plaie|intensite",
)
_HEALTH_ZH = _words(
    "痉挛|皮肤|膀胱|大小便|感觉|活动|呼吸|用药|停药|服药|前续药|疼|发热|瘙痒|僵硬|意识|导尿管|腿",
    "破损|程度如何",
)

# After a verb that asks for a reply, or in capitals as a word to send back. STOP stands only for opting out.
_OPT_OUT_WORDS = _words(
    "cancel|end|quit|remove|td|unsubscribe|optout|revoke|stopall|alto|baja|parar|cancelar|desuscribir",
    "arret|arreter|fin|desabonner|退订|停止",
)
_REPLY_VERBS = "reply|respond|answer|text|send|responda|envie|mande|repondez|envoyez|回复|发送"
_STOP_MEANS_STOP = re.compile(r"STOP(?: to (?:opt out|end)|\s?=\s?(?:opt out|baja|désabonnement|fin)|退订)")
_CONFIRMS = r"confirm\w*|确认"


def lint(text: str, language: str, audience: str = "patient", *, content: Content = Content.STANDARD) -> list[Finding]:
    """Every rule `text` breaks, in no promised order; none for staff, who need the clinical words.

    `content` is what the text claims to be: at MINIMAL no body or health word may stand in it, at SAFETY the
    words that name the danger may.
    """
    if audience != "patient":
        return []
    folded = _fold(text)
    findings = [
        *_hits("reassurance", folded, text, _REASSURANCE, _REASSURANCE_ZH),
        *_hits("diagnosis", folded, text, _DIAGNOSIS, _DIAGNOSIS_ZH),
        *_hits("drug name", folded, text, _DRUGS, _DRUGS_ZH),
        *_reply_words(text),
    ]
    if content is Content.MINIMAL:
        findings += _hits("health word at minimal level", folded, text, _HEALTH, _HEALTH_ZH)
    if language != "zh" and (stray := sorted({char for char in text if not is_gsm(char)})):
        findings.append(Finding(rule="not GSM-7", detail=" ".join(stray)))
    return findings


def lint_clinic_name(name: str) -> list[Finding]:
    """Whether a clinic's display name may stand at the head of every text to its patients.

    A name such as "Northside SCI Unit" tells the diagnosis in every message.
    """
    findings = [found for found in lint(name, "zh") if found.rule != "reply word"]
    cost = measure(fold(clean(name)))
    room = MAX_CLINIC_UNITS[cost.encoding]
    if cost.units > room:
        findings.append(Finding(rule="long name", detail=f"{cost.units} units, {room} fit every text"))
    return findings


def _hits(rule: str, folded: str, text: str, words: Sequence[str], zh_words: Sequence[str]) -> list[Finding]:
    found = [word for word in words if _stands_in(word, folded)] + [word for word in zh_words if word in text]
    return [Finding(rule=rule, detail=word) for word in found]


def _stands_in(word: str, folded: str) -> bool:
    return f" {word[:-1]}" in folded if word.endswith("*") else f" {word} " in folded


def _fold(text: str) -> str:
    # "don't" is listed as "dont", but French elision splits words: "c'est" is listed as "c est".
    bare = re.sub(r"\b([cdjlmnst]|qu)['’](?=[aeiouh])", r"\1 ", _bare(text))
    bare = bare.replace("'", "").replace("’", "")
    return f" {re.sub(r'[^0-9a-z{}_]+', ' ', bare)} "


def _bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _reply_words(text: str) -> list[Finding]:
    findings = []
    lowered = _bare(text)
    for word in _OPT_OUT_WORDS:
        ends = r"(?!\w)" if word.isascii() else ""
        asked = re.search(rf"(?:{_REPLY_VERBS})\s*(?:with\s+|con\s+|par\s+)?[\"']?{word}{ends}", lowered)
        shouted = word.isascii() and re.search(rf"(?<!\w){word.upper()}(?!\w)", text)
        if asked or shouted:
            findings.append(Finding(rule="reply word", detail=word))
    if re.search(r"(?<!\w)STOP(?!\w)", _STOP_MEANS_STOP.sub("", text)):
        findings.append(Finding(rule="reply word", detail="STOP for something other than opting out"))
    # Y, N and OK belong to check-ins and thanks; a visit is confirmed with C.
    if re.search(rf"(?<!\w)(?:OK|Y|S|O)(?!\w)\s*(?:to\s+|para\s+|pour\s+|=)?(?:{_CONFIRMS})", text):
        findings.append(Finding(rule="reply word", detail="confirming with anything but C"))
    return findings
