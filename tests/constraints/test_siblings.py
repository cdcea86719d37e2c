"""Siblings of the reported kinds: more words, tokens, invisible signs, brackets, fences and marks."""

import pytest

from twofold.constraints import from_spec
from twofold.constraints.words import characters


def score(name, reply, **args):
    return from_spec(name, args, profile="fixed").check(reply).score


# keyword, text, whether it is there as a word
WORDS = [
    ("天气", "今天天气很好", 1),
    ("ラーメン", "昨日ラーメンを食べた", 1),
    ("コーヒー", "私はコーヒーが好き", 1),
    ("สวัสดี", "ครับสวัสดีตอนเช้า", 1),
    ("ไทย", "ประเทศไทยสวย", 1),
    ("ພາສາ", "ຂ້ອຍຮຽນພາສາລາວ", 1),
    ("မြန်မာ", "ကျွန်တော်မြန်မာစာသင်သည်", 1),
    ("ខ្មែរ", "ភាសាខ្មែរ", 1),
    ("학교", "학교에서 공부해요", 1),
    ("학교", "학교가 크다", 1),
    ("책", "책을 읽는다", 1),
    ("책", "책상 위에", 0),
    ("물", "물은 차다", 1),
    ("물", "물건이 많다", 0),
    ("사람", "사람들이 많다", 1),
    ("나라", "우리나라는", 0),
    ("데이터", "데이터를 분석", 1),
    ("서울", "나는 서울에 산다", 1),
    ("컴퓨터", "컴퓨터로 일한다", 1),
    ("사랑", "사랑해요", 0),
    ("친구", "친구와 함께", 1),
    ("밥", "밥이랑 국", 1),
    ("한국어", "한국어로 말해요", 1),
    ("मैं", "मैं हूँ", 1),
    ("हम", "हमारा घर", 0),
    ("क", "कमल", 0),
    ("राम", "रामायण", 0),
    ("राम", "राम ने कहा", 1),
    ("பழம்", "பழம் நல்லது", 1),
    ("বই", "বইটি", 0),
    ("বই", "বই পড়ি", 1),
    ("naïve", "a nai\u0308ve idea", 1),
    ("résumé", "RE\u0301SUME\u0301", 1),
    ("Ångström", "A\u030angstro\u0308m", 1),
    ("São Paulo", "Sa\u0303o\u202fPaulo", 1),
    ("O'Brien", "Mr O\u2019Brien", 1),
    ("rock 'n' roll", "rock \u2019n\u2019 roll", 1),
    ("co-operate", "co\u2010operate", 1),
    ("co-operate", "co\u2011operate", 1),
    ("e-mail", "e\u2013mail", 1),
    ("mother-in-law", "mother\u2010in\u2011law", 1),
    ("hello", "ｈｅｌｌｏ", 1),
    ("file", "ﬁle", 1),
    ("office", "oﬃce", 1),
    ("word", "wo\u00adrd", 1),
    ("word", "wo\u200drd", 1),
    ("new york", "new\u200b york", 1),
    ("strasse", "Straße", 1),
    ("STRASSE", "straße", 1),
    ("Σίσυφος", "ΣΊΣΥΦΟΣ", 1),
    ("ИНН", "инн", 1),
    ("iphone", "iPhone用", 1),
    ("GPT", "用GPT模型", 1),
    ("GPT", "GPT를", 1),
    ("cat", "concatenate", 0),
    ("cat", "cat's", 1),
    ("cat", "(cat)", 1),
    ("cat", "cats", 0),
    ("cat", "cat_1", 1),
    ("cat", "cat1", 0),
    ("سلام", "سلام دنیا", 1),
    ("می‌خواهم", "من می‌خواهم بروم", 1),
    ("کتاب", "کتاب‌ها", 0),
    ("שלום", "שלום עולם", 1),
    ("مرحبا", "مرحبًا", 0),
    ("C++", "I like C++.", 1),
    (".NET", "in .NET now", 1),
    ("node.js", "use Node.js here", 1),
    ("3.14", "pi is 3.14.", 1),
    ("100", "1,100", 0),
    ("2", "x²", 0),
    ("H2O", "H2O", 1),
    ("😀", "so😀so", 1),
    ("a", "à", 0),
]


@pytest.mark.parametrize(("word", "text", "there"), WORDS)
def test_a_word_is_found_by_every_rule_or_by_none(word, text, there):
    assert score("keywords:existence", text, keywords=[word]) == there
    assert score("keywords:forbidden_words", text, forbidden_words=[word]) == 1 - there
    often = {"keyword": word, "frequency": 1, "relation": "at least"}
    assert score("keywords:frequency", text, **often) == there


# Replies that obey, each a form that something at its end would break.
OBEY = [
    ("detectable_format:json_format", {}, '{"a": 4}'),
    ("startend:quotation", {}, '"It is 4."'),
    ("startend:end_checker", {"end_phrase": "Any other questions?"}, "4. Any other questions?"),
    ("detectable_format:constrained_response", {}, "My answer is no."),
]
TOKENS = [
    "<|im_end|>",
    "</s>",
    "<end_of_turn>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<eos>",
    "<|end|>",
    "<|return|>",
    "<|eom_id|>",
    "<｜end▁of▁sentence｜>",
    "<|END_OF_TURN_TOKEN|>",
    "<|end_of_text|>",
    "<pad><pad>",
    "[EOS]",
    "<|im_end|>\n<|endoftext|>",
    "<|eot_id|>\ufeff",
    "<end_of_utterance>",
    "<EOT>",
    "<|end_of_turn|>",
    "<turn|>",
    "<|endofprompt|>",
    "[/INST]",
    "<|tool_end|>",
    "<extra_id_0>",
    "<eot>",
    "<0x0A>",
    "<unk>",
    "<|User|>",
    "<|role_end|>",
    "[|endofturn|]",
    "<eod>",
    "<eop>",
    "<|eos|>",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_kept_token_breaks_no_form(token):
    for name, args, reply in OBEY:
        assert score(name, reply + token, **args) == 1


@pytest.mark.parametrize("role", ["assistant", "model", "final"])
@pytest.mark.parametrize("token", TOKENS)
def test_a_header_without_a_reply_is_blank(token, role):
    """However what follows the header is saved: nothing, a line's end, signs that nobody sees, a token."""
    for end in ("", "\n", "\n\u200c\ufe0f \n", token, f"\n\u200d{token}\n"):
        for name, args, _ in OBEY:
            assert score(name, f"{token}{role}{end}", **args) == 0
        assert score("punctuation:no_comma", f"{token}{role}{end}") == 0


def test_a_role_is_a_word_where_the_line_goes_on():
    assert score("keywords:existence", "<s>model railways", keywords=["model"]) == 1
    assert score("punctuation:no_comma", "assistant\n") == 1


INVISIBLE = (
    "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202c"
    "\u2066\u2069\u180e\u034f\u061c\ufe0f\u00a0\u3000\u2028\u0085\u2003\u202f"
)


@pytest.mark.parametrize("sign", INVISIBLE, ids=ascii)
def test_an_invisible_sign_at_an_end_breaks_no_form(sign):
    request = ("combination:repeat_prompt", {"prompt_to_repeat": "Why?"}, "Why? It is.")
    for name, args, reply in [*OBEY, request]:
        for text in (sign + reply, reply + sign, sign + reply + sign):
            assert score(name, text, **args) == 1


TITLES = [
    ("x << 3 >> 1", 0),
    ("1 << 3 and 8 >> 2", 0),
    ("a<<b>>c", 0),
    ("if (a << 2 > b >> 1)", 0),
    ("std::cin >> a; std::cout << b;", 0),
    ("<<3+4=7>>", 0),
    ("<<60/100*50=30>>30", 0),
    ("$<<5*3=15>>15", 0),
    ("<<1,000-250=750>>750", 0),
    ("<<12+x=15>>", 0),
    ("<<(3+2)*2=10>>", 0),
    ("<<10-3=7>>7 apples. <<Apples>>", 1),
    ("Title: <<The Great>> story", 1),
    ("<<Why 2+2=4>>", 1),
    ("<<10 Tips for You>>", 1),
    ("<< 7 Wonders >>\ntext", 1),
    ("<<E=mc^2>>", 1),
    ("`1<<3`, `2>>1`", 0),
    ("os << x << endl; is >> y;", 0),
    ("out << name >> file", 0),
    ("<<2x+3=7>>", 0),
    ("<<5 apples*2=10>>10", 0),
    ("<<x>>", 1),
    ("<<3*4>>", 0),
    ("<<Ode to C++>>", 1),
    ("« <<Un titre>> »", 1),
    ("mask = (1 << n) - 1; y = x >> 2", 0),
    ("1<<3>>2", 0),
    ("value <<= 2; value >>= 1;", 0),
    ("<<16 - 7>>9", 0),
    ("<<100%>>", 0),
]


@pytest.mark.parametrize(("text", "there"), TITLES)
def test_a_title_is_no_operator(text, there):
    assert score("detectable_format:title", text) == there


FENCES = [
    ('```json\n{"a":1}\n```', 1),
    ("~~~\n[1]\n~~~", 1),
    ("```Json\n{}\n```", 1),
    ("~~~~json\n{}\n~~~~", 1),
    ('```javascript\n{"a":1}\n```', 1),
    ('``` json\n{"a":1}\n```', 1),
    ('```\n{"a":1}\n~~~', 0),
    ('```json\n{"a":1}\n```\nDone.', 0),
    ('```json\r\n{"a":1}\r\n```', 1),
    ('`{"a":1}`', 1),
    ('```ndjson\n{"a":1}\n```', 1),
    ('```geojson\n{"a":1}\n```', 1),
    ('```json title="x"\n{"a":1}\n```', 1),
    ('```json\n\n{"a":1}\n\n```', 1),
    ("'''json\n{\"a\":1}\n'''", 0),
]


@pytest.mark.parametrize(("text", "obeys"), FENCES)
def test_a_fence_of_any_kind_is_no_json(text, obeys):
    assert score("detectable_format:json_format", text) == obeys


QUOTED = [
    ("『四です。』", 1),
    ("«Это четыре.»", 1),
    ("« C’est quatre. »", 1),
    ("„To jest cztery.”", 1),
    ('"a"', 1),
    ("〝四〟", 1),
    ("「「四」です」", 1),
    ("‹vier›", 0),
    ("`it`", 0),
    ("``it''", 0),
    ("»Det er fire.«", 1),
    ("“四。”", 1),
    ("「四」です", 0),
    ('"A" b "C"', 0),
    ('**"It is."**', 0),
    ("\"He said 'no'.\"", 1),
    ('"She said \\"no\\" to me."', 1),
    ("『彼は「四」と言った』", 1),
    ("״זה ארבע״", 1),
    ("《四》", 0),
    ("&quot;a&quot;", 0),
    ('「四です。"', 0),
    ("\u201cIt\u2019s 4.\u201d", 1),
    ("\u201dIt is 4.\u201c", 0),
]


@pytest.mark.parametrize(("text", "obeys"), QUOTED)
def test_double_marks_of_every_script(text, obeys):
    assert score("startend:quotation", text) == obeys


HIGHLIGHTS = [
    ("*one\ntwo* three", 1),
    ("**a b\nc d**", 1),
    ("*a\n\nb*", 0),
    ("*a\n* b*", 0),
    ("text *a*\n*b* text", 2),
    ("5*3*2", 0),
    ("* item *x*", 1),
    ("*a*b*", 0),
]


@pytest.mark.parametrize(("text", "count"), HIGHLIGHTS)
def test_an_emphasised_span_may_run_over_a_line(text, count):
    assert score("detectable_format:number_highlighted_sections", text, num_highlights=count) == 1
    assert (
        score("detectable_format:number_highlighted_sections", text, num_highlights=count + 1) == 0
    )


POSTSCRIPTS = [
    ("Bye! P.S. I love you", 1),
    ("Bye.\nP. S. I love you", 1),
    ("Thanks, Bob P.S. call me", 0),
    ("It is 4.   P.S. ok", 1),
    ("Done.) P.S. ok", 1),
    ("It is 4.\n\n* P.S. ok", 1),
    ("We sign P.S.", 0),
    ("4.\n\nPS: ok", 0),
    ('"It is 4.\n\nP.S. ok"', 1),
    ("First. P.S. mid text here.\n\nMore text follows.", 0),
    ("It is 4.\n\n---\n\nP.S. ok", 1),
]


@pytest.mark.parametrize(("text", "there"), POSTSCRIPTS)
def test_a_postscript_may_follow_a_sentence(text, there):
    assert score("detectable_content:postscript", text, postscript_marker="P.S.") == there


ENDS = [
    ("谢谢。", "答案是四。谢谢。", 1),
    ("ありがとう", "四です。ありがとう", 1),
    ("感謝", "あなたに感謝", 1),
    ("India", "in\u00a0INDIA", 1),
    ("art", "We start", 0),
    ("café!", "un cafe\u0301!", 1),
    ("Peace!", "Peace!<|im_end|>\n\n", 1),
    ("It's over.", "It\u2019s over.", 1),
    ("The end.", "The end.\n```", 1),
    ("The end.", "The end.\n***", 1),
    ("The end.", "The end. 😀", 0),
    ("your love, and thanks.", "with your love, and\nthanks.", 1),
]


@pytest.mark.parametrize(("phrase", "text", "ends"), ENDS)
def test_an_end_phrase_is_folded_like_a_keyword(phrase, text, ends):
    assert score("startend:end_checker", text, end_phrase=phrase) == ends


LETTERS = [
    ("é", "e\u0301É e", 2),
    ("ß", "Straße STRASSE", 1),
    ("ñ", "man\u0303ana", 1),
    ("a", "ａbA", 2),
    ("e", "é e", 1),
    ("क", "कमल कि", 1),
    ("!", "Hi！ yes!", 2),
    ("字", "字字", 2),
    ("е", "е e", 1),
    ("i", "İ i I", 3),
    ("k", "K", 1),
]


@pytest.mark.parametrize(("letter", "text", "count"), LETTERS)
def test_letters_are_what_readers_count(letter, text, count):
    name, args = "keywords:letter_frequency", {"letter": letter, "let_relation": "at least"}
    assert score(name, text, let_frequency=count, **args) == 1
    assert score(name, text, let_frequency=count + 1, **args) == 0


def test_flags_are_characters_of_two_halves():
    """With a tone behind them; a half alone is one."""
    flags = "🇫🇷🇩🇪🇯🇵🏽🇫a"
    assert list(characters(flags)) == ["🇫🇷", "🇩🇪", "🇯🇵🏽", "🇫", "a"]
