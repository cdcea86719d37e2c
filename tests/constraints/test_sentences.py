"""How many sentences a person counts: abbreviations, quotations, other scripts."""

import pytest

from twofold.constraints.sentences import sentence_bounds

TEXTS = [
    ("She moved to the U.S. The weather is nice.", 2),
    ("He arrived at 9 a.m. It was cold.", 2),
    ("They sell fruit, nuts, etc. We bought some.", 2),
    ("He works at Apple Inc. She works at Google.", 2),
    ("She earned her Ph.D. He was proud.", 2),
    ("The meeting is at 3 p.m. on Monday.", 1),
    ("U.S. troops left.", 1),
    ("The U.S. President spoke.", 1),
    ("Mr. and Mrs. Smith left.", 1),
    ("St. Louis is big.", 1),
    ('"No!" he shouted.', 1),
    ('"Help!" cried the man.', 1),
    ("“Is it late?” she wondered.", 1),
    ("Wow! Really? Yes.", 3),
    ("Is it 3.5? No, it's 4.0.", 2),
    ('He said, "I am here." Then he left.', 2),
    ("I live in the U.K. You live in the U.S.", 2),
    ("J.R.R. Tolkien wrote it.", 1),
    ("Visit www.example.com today.", 1),
    ("Use Node.js and Vue.js.", 1),
    ("Version 2.0.1 is out. Get it.", 2),
    ("See Fig. 3. It helps.", 2),
    ("No. 5 is best.", 1),
    ("It was 5 B.C. He was born.", 2),
    ("At 7 A.M. We left.", 2),
    ("She lives in Washington D.C. He doesn't.", 2),
    ("Jan. 5 was cold. Feb. 2 was not.", 2),
    ("We met Dr. Lee. He is kind.", 2),
    ("'Stop!' and left he did.", 1),
    ('He asked "why?" and "how?" of me.', 1),
    ("Hi! I'm Bob :) Nice day.", 2),
    ("Yes!! No!!", 2),
    ("What?! No way.", 2),
    ("Hmm... I see.", 2),
    ("One… two… three.", 1),
    ("(It rained.) We left.", 2),
    ("We left (it rained).", 1),
    ("“Go!” “No!”", 2),
    ("これは本です。それはペンです。", 2),
    ("「行け！」と叫んだ。", 1),
    ("你好！我是李明。", 2),
    ("هل أنت هنا؟ نعم.", 2),
    ("Γεια σου. Τι κάνεις;", 2),
    ("It costs $5. We paid.", 2),
    ("Approx. 5 people came.", 1),
    ("Jones v. Smith was decided.", 1),
    ("He left at 5 p.m., and she stayed.", 1),
    ("It is about Acme Corp. and its boss.", 1),
]


@pytest.mark.parametrize(("text", "count"), TEXTS)
def test_sentences(text, count):
    assert sentence_bounds(text) == (count, count)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("He came at 5 p.m. John left.", 1, 2),  # John left, or the John who came
        ('"stop!" and left', 1, 2),  # without capitals nothing tells
        ("ฉันเรียนภาษาไทย วันนี้ฝนตก", 1, 2),  # a space ends a sentence or a phrase
    ],
)
def test_what_readers_may_count_otherwise(text, least, most):
    assert sentence_bounds(text) == (least, most)
