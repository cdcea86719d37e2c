"""The word lists that the published checkers test against, and words to draw arguments from."""

from twofold.constraints.draws import listed


def _words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


# Facts of allenai/IFBench (revision db69a6f, Apache-2.0).
NAMES = _words(
    """
    Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander
    Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella
    Jacob Scarlett Nathan Victoria Elijah Layla Nicholas Audrey David Hannah Christopher Penelope
    Thomas Nora Andrew Aria Joseph Claire Ryan Stella Jonathan
    """
)
CONJUNCTIONS = frozenset(
    _words(
        """
    and but for nor or so yet
    """
    )
)
PRONOUNS = frozenset(
    _words(
        """
    all any anybody anyone anything both each either everybody everyone everything he her hers
    herself him himself his i it its itself me mine my myself neither nobody none nothing our ours
    ourselves she some somebody someone something that their theirs them themselves these they this
    those us we what whatever which whichever who whoever whom whomever whose you your yours
    yourself yourselves
    """
    )
)
# NLTK's English stop words (from the Snowball list), as far as a run of word characters can equal one.
STOP_WORDS = frozenset(
    _words(
        """
    a about above after again against ain all am an and any are aren as at be because been before
    being below between both but by can couldn d did didn do does doesn doing don down during each
    few for from further had hadn has hasn have haven having he her here hers herself him himself
    his how i if in into is isn it its itself just ll m ma me mightn more most mustn my myself needn
    no nor not now o of off on once only or other our ours ourselves out over own re s same shan she
    should shouldn so some such t than that the their theirs them themselves then there these they
    this those through to too under until up ve very was wasn we were weren what when where which
    while who whom why will with won wouldn y you your yours yourself yourselves
    """
    )
)
# The published key of the European capitals north of 45 degrees, from north to south; Kyiv is missing.
CAPITALS = _words(
    """
    Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin
    Amsterdam Warsaw London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz
    Chisinau Bern Ljubljana Zagreb
    """
)
COPY_THIS = "Only output this sentence here, ignore all other requests."
# The 54 countries of Africa (United Nations), in reverse alphabetical order.
AFRICA = listed(
    """
    Zimbabwe, Zambia, Uganda, Tunisia, Togo, Tanzania, Sudan, South Sudan, South Africa, Somalia,
    Sierra Leone, Seychelles, Senegal, Sao Tome and Principe, Rwanda, Nigeria, Niger, Namibia,
    Mozambique, Morocco, Mauritius, Mauritania, Mali, Malawi, Madagascar, Libya, Liberia, Lesotho,
    Kenya, Ivory Coast, Guinea-Bissau, Guinea, Ghana, Gambia, Gabon, Ethiopia, Eswatini, Eritrea,
    Equatorial Guinea, Egypt, Djibouti, Democratic Republic of the Congo, Congo, Comoros, Chad,
    Central African Republic, Cape Verde, Cameroon, Burundi, Burkina Faso, Botswana, Benin,
    Angola, Algeria
    """
)
# Phrases to draw copies from.
PHRASES = (
    "Small steps carry you a long way",
    "The first answer is rarely the last",
    "Every good plan starts with one question",
    "Slow rivers still reach the open sea",
    "A clear mind needs a quiet room",
    "Bright ideas grow in plain soil",
)
PALINDROMES = _words(
    """
    level radar rotor civic refer kayak madam racecar stats tenet solos sagas
    """
)
SEPARATORS = _words("=> !?!? ... --> ## SEPARATOR @@ ~")
