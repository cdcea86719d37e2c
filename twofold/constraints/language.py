"""Is the reply written in a given language?"""

from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.detect import judge_language, published_language
from twofold.constraints.draws import one_of
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict

# langdetect's codes: the language's English name, and a sentence in it (similar in each).
LANGUAGES: dict[str, tuple[str, str]] = {
    "af": ("Afrikaans", "Die water is vandag koud en die kinders speel in die tuin by ons huis."),
    "ar": ("Arabic", "الماء بارد اليوم والأطفال يلعبون في الحديقة قرب بيتنا."),
    "bg": ("Bulgarian", "Водата днес е студена и децата играят в градината до нашата къща."),
    "bn": ("Bengali", "আজ জল ঠান্ডা এবং বাচ্চারা আমাদের বাড়ির কাছে বাগানে খেলছে।"),
    "ca": ("Catalan", "Avui l'aigua és freda i els nens juguen al jardí que hi ha a prop de casa."),
    "cs": ("Czech", "Voda je dnes studená a děti si hrají na zahradě vedle našeho domu."),
    "cy": ("Welsh", "Mae'r dŵr yn oer heddiw ac mae'r plant yn chwarae yn yr ardd ger ein tŷ ni."),
    "da": ("Danish", "Vandet er koldt i dag, og børnene leger i haven ved siden af vores hus."),
    "de": ("German", "Das Wasser ist heute kalt, und die Kinder spielen im Garten neben dem Haus."),
    "el": ("Greek", "Το νερό είναι κρύο σήμερα και τα παιδιά παίζουν στον κήπο δίπλα στο σπίτι."),
    "en": ("English", "The water is cold today and the children are playing in the garden."),
    "es": ("Spanish", "Hoy el agua está fría y los niños juegan en el jardín cerca de la casa."),
    "et": ("Estonian", "Vesi on täna külm ja lapsed mängivad aias meie maja kõrval."),
    "fa": ("Persian", "امروز آب سرد است و بچه‌ها در باغ نزدیک خانه ما بازی می‌کنند."),
    "fi": ("Finnish", "Vesi on tänään kylmää, ja lapset leikkivät puutarhassa talomme vieressä."),
    "fr": ("French", "Aujourd'hui l'eau est froide et les enfants jouent dans le jardin."),
    "gu": ("Gujarati", "આજે પાણી ઠંડું છે અને બાળકો અમારા ઘરની પાસેના બગીચામાં રમે છે."),
    "he": ("Hebrew", "המים קרים היום והילדים משחקים בגינה ליד הבית שלנו."),
    "hi": ("Hindi", "आज पानी ठंडा है और बच्चे हमारे घर के पास बगीचे में खेल रहे हैं।"),
    "hr": ("Croatian", "Voda je danas hladna i djeca se igraju u vrtu pored naše kuće."),
    "hu": ("Hungarian", "A víz ma hideg, és a gyerekek a kertben játszanak a házunk mellett."),
    "id": ("Indonesian", "Hari ini airnya dingin dan anak-anak sedang bermain di kebun kami."),
    "it": ("Italian", "Oggi l'acqua è fredda e i bambini giocano nel giardino vicino alla casa."),
    "ja": ("Japanese", "今日は水が冷たくて、子供たちは家の近くの庭で遊んでいます。"),
    "kn": ("Kannada", "ಇಂದು ನೀರು ತಣ್ಣಗಿದೆ ಮತ್ತು ಮಕ್ಕಳು ನಮ್ಮ ಮನೆಯ ಹತ್ತಿರದ ತೋಟದಲ್ಲಿ ಆಡುತ್ತಿದ್ದಾರೆ."),
    "ko": ("Korean", "오늘은 물이 차갑고 아이들은 우리 집 옆 정원에서 놀고 있습니다."),
    "lt": ("Lithuanian", "Šiandien vanduo šaltas, o vaikai žaidžia sode prie mūsų namo."),
    "lv": ("Latvian", "Šodien ūdens ir auksts, un bērni spēlējas dārzā pie mūsu mājas."),
    "mk": ("Macedonian", "Водата денес е студена и децата си играат во градината до нашата куќа."),
    "ml": ("Malayalam", "ഇന്ന് വെള്ളം തണുത്തതാണ്, കുട്ടികൾ ഞങ്ങളുടെ തോട്ടത്തിൽ കളിക്കുന്നു."),
    "mr": ("Marathi", "आज पाणी थंड आहे आणि मुले आमच्या घराजवळच्या बागेत खेळत आहेत."),
    "ne": ("Nepali", "आज पानी चिसो छ र केटाकेटीहरू हाम्रो घर नजिकैको बगैंचामा खेलिरहेका छन्।"),
    "nl": ("Dutch", "Het water is koud geworden, zodat de kinderen vandaag buiten willen spelen."),
    "no": ("Norwegian", "Vannet er kaldt i dag, og barna leker i hagen ved siden av huset vårt."),
    "pa": ("Punjabi", "ਅੱਜ ਪਾਣੀ ਠੰਢਾ ਹੈ ਅਤੇ ਬੱਚੇ ਸਾਡੇ ਘਰ ਦੇ ਨੇੜੇ ਬਾਗ ਵਿੱਚ ਖੇਡ ਰਹੇ ਹਨ।"),
    "pl": ("Polish", "Woda jest dzisiaj zimna, a dzieci bawią się w ogrodzie obok naszego domu."),
    "pt": ("Portuguese", "Hoje a água está fria e as crianças brincam no jardim da nossa casa."),
    "ro": (
        "Romanian",
        "Astăzi apa este rece, iar copiii se joacă în grădina de lângă casa noastră.",
    ),
    "ru": ("Russian", "Сегодня вода холодная, и дети играют в саду рядом с нашим домом."),
    "sk": ("Slovak", "Voda je dnes studená a deti sa hrajú v záhrade vedľa nášho domu."),
    "sl": ("Slovenian", "Voda je danes hladna, otroci pa se igrajo na vrtu poleg naše hiše."),
    "so": ("Somali", "Maanta biyuhu waa qabow yihiin, carruurtuna waxay ku ciyaarayaan beerta."),
    "sq": ("Albanian", "Uji është i ftohtë sot dhe fëmijët po luajnë në kopshtin pranë shtëpisë."),
    "sv": ("Swedish", "Vattnet är kallt i dag och barnen leker i trädgården bredvid vårt hus."),
    "sw": (
        "Swahili",
        "Leo maji ni baridi na watoto wanacheza katika bustani karibu na nyumba yetu.",
    ),
    "ta": ("Tamil", "இன்று தண்ணீர் குளிராக இருக்கிறது, குழந்தைகள் தோட்டத்தில் விளையாடுகிறார்கள்."),
    "te": ("Telugu", "ఈ రోజు నీరు చల్లగా ఉంది మరియు పిల్లలు మా ఇంటి దగ్గర తోటలో ఆడుకుంటున్నారు."),
    "th": ("Thai", "วันนี้น้ำเย็นและเด็กๆ กำลังเล่นอยู่ในสวนใกล้บ้านของเรา"),
    "tl": ("Tagalog", "Malamig ang tubig ngayon at naglalaro ang mga bata sa aming hardin."),
    "tr": ("Turkish", "Bugün su soğuk ve çocuklar evimizin yanındaki bahçede oynuyor."),
    "uk": ("Ukrainian", "Сьогодні вода холодна, і діти граються в саду біля нашого будинку."),
    "ur": ("Urdu", "آج پانی ٹھنڈا ہے اور بچے ہمارے گھر کے قریب باغ میں کھیل رہے ہیں۔"),
    "vi": ("Vietnamese", "Hôm nay nước lạnh và bọn trẻ đang chơi trong khu vườn gần nhà."),
    "zh-cn": ("Chinese (simplified)", "今天的水很冷，孩子们正在我们家附近的花园里玩。"),
    "zh-tw": ("Chinese (traditional)", "今天的水很冷，孩子們正在我們家附近的花園裡玩。"),
}


@final
@dataclass(frozen=True)
class ResponseLanguage(Constraint):
    """The whole reply is written in `language`.

    Args:
        language: One of `LANGUAGES`, langdetect's codes (Chinese is `zh-cn` or `zh-tw`).

    Source: IFEval, https://arxiv.org/abs/2311.07911; MathIF, https://arxiv.org/abs/2505.14810.
    Departs: `official` runs langdetect on the raw text, and a text without a letter passes; both
    profiles are seeded, unlike the published code.

    Example:
        >>> [ResponseLanguage("fr", p).check("5 + 3 = 8").score for p in ("official", "fixed")]
        [1.0, None]
    """

    name = "language:response_language"
    group = "lexical"
    family = "language"
    departure = "script, then probability on lower-case prose; unscored if the text is too short"
    language: str
    profile: Profile

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise ProblemError(f"langdetect does not know {self.language!r}; use one of: {known}")

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (f"Write the whole answer in {LANGUAGES[self.language][0]} and no other language."),
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"language": one_of(rng, sorted(LANGUAGES))}

    def witnesses(self) -> tuple[str, str]:
        """A sentence in the language, and the same one in another."""
        other = "fr" if self.language == "en" else "en"
        return LANGUAGES[self.language][1], LANGUAGES[other][1]

    def _official(self, text: str) -> Verdict:
        return published_language(text, self.language)

    def _fixed(self, text: str) -> Verdict:
        return judge_language(text, self.language)
