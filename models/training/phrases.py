"""What the demo teacher says about each slice of the world: weaknesses, scenarios, contexts and instructions.

Data for `jobs`; every list is combined freely with the others so that no two diagnoses need read alike.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """`skills` end 'does not …'; `contexts` end 'It shows when …'; `instructions` follow 'Write notes where …; '."""

    skills: tuple[str, ...]
    scenarios: tuple[str, ...]
    contexts: tuple[str, ...]
    instructions: tuple[str, ...]


SLICE_PHRASES = {
    "negation": Phrases(
        ("put a denied finding into the negated field", "notice that a finding is ruled out", "separate absent findings from present ones",
         "record what the patient denies"),
        ("negated finding", "denied symptom", "ruled-out finding"),
        ("a second finding is denied", "the note says that a finding is absent", "a symptom is ruled out with no, denies or without"),
        ("write the absent finding under negated", "the output must list the denied finding as negated", "keep the denied finding out of symptom")),
    "abbreviation": Phrases(
        ("expand clinical abbreviations", "know what a short form of a symptom stands for", "write the full name of an abbreviated symptom",
         "resolve shorthand for the complaint"),
        ("abbreviated symptom", "clinical shorthand", "symptom abbreviation"),
        ("the symptom is written as an abbreviation", "the complaint is given in shorthand", "only a short form of the symptom appears"),
        ("write the full symptom name in the output", "expand the short form in the output", "use several different abbreviations")),
    "fahrenheit": Phrases(
        ("read temperatures in fahrenheit", "tell a high from a normal fahrenheit reading", "use the right limit when the unit is fahrenheit",
         "judge fever from a fahrenheit value"),
        ("fahrenheit temperature", "temperature unit", "fever in fahrenheit"),
        ("the temperature is given in fahrenheit", "the thermometer reads in f instead of c", "the reading is near one hundred degrees"),
        ("mark fever as high and the rest as normal", "mix normal and high readings", "give both fevers and normal values in f")),
    "spelled_age": Phrases(
        ("turn an age in words into digits", "read numbers that are spelled out", "convert a written-out age", "write a spelled age as a number"),
        ("age in words", "spelled-out age", "written-out number"),
        ("the age is written in words", "the age is spelled out instead of digits", "a number word gives the age"),
        ("write the age in digits in the output", "use many different ages in words", "the output has the age as a number")),
    "relative_date": Phrases(
        ("turn a relative date into a duration", "work out how long from words like yesterday or fortnight", "interpret vague time phrases",
         "map an expression of time to a count and a unit"),
        ("relative date", "time phrase", "relative duration"),
        ("the onset is given relative to today", "the duration is a phrase without a number", "the note says since yesterday or for a fortnight"),
        ("write the duration as a count and a unit", "use several time phrases", "convert the phrase into days, weeks or months")),
    "two_findings": Phrases(
        ("list both symptoms when there are two", "keep the second symptom", "record every finding of the note", "extract more than one symptom"),
        ("two findings", "second symptom", "several symptoms"),
        ("two symptoms are present", "the note joins two findings", "a second complaint follows the first"),
        ("list both symptoms with a comma", "the output must name both findings in order", "join different pairs of symptoms")),
    "correction": Phrases(
        ("use the corrected value of the age", "follow a correction inside the note", "drop the age that was taken back", "prefer the later value"),
        ("corrected age", "self-correction", "age corrected in note"),
        ("the age is corrected in the note", "the writer takes back the first age", "two ages appear and the second one counts"),
        ("use only the corrected age", "the output has the second age", "vary the words of the correction")),
    "gender_word": Phrases(
        ("infer the sex from words like lady or gentleman", "read the sex from a noun", "map a gendered word to M or F", "recognise indirect words for the sex"),
        ("gendered word", "sex from noun", "indirect sex"),
        ("the sex is given by a noun such as lady or man", "the note has a gendered word instead of male or female", "sex must be inferred from a word"),
        ("write M or F according to the word", "use many gendered words", "balance men and women")),
    "short_unit": Phrases(
        ("expand short units of time", "read durations such as a count with a letter", "write out abbreviated days, weeks and months", "decode compact durations"),
        ("short time unit", "abbreviated duration", "compact duration"),
        ("the unit of the duration is abbreviated", "the duration is a number with a short unit", "d, wk or mo stands for the unit"),
        ("write the unit in full", "use singular and plural correctly", "mix days, weeks and months")),
    "history": Phrases(
        ("ignore findings from the past", "tell an old problem from the present complaint", "leave resolved findings out", "keep past episodes out of the output"),
        ("past finding", "resolved history", "old symptom mentioned"),
        ("an old finding is mentioned", "the note names a past problem", "a resolved symptom stands beside the present one"),
        ("list only the present symptom", "leave the past finding out of the output", "negated stays none")),
    "chatter": Phrases(
        ("skip details that do not matter", "find the facts among irrelevant remarks", "ignore remarks that are no clinical facts", "stay with the facts of the note"),
        ("irrelevant details", "distracting remarks", "extra chatter"),
        ("irrelevant remarks surround the facts", "the note has remarks that do not matter", "small talk stands between the facts"),
        ("leave the remarks out of the output", "use many different remarks", "keep only the facts")),
    "plain": Phrases(
        ("copy a plain value from the note exactly", "carry a stated value over without change", "copy the field as it is written", "transfer simple values reliably"),
        ("copying slip", "plain value", "careless copy"),
        ("the value is stated plainly", "nothing unusual is in the note", "a simple field was copied wrongly"),
        ("copy every value exactly", "use many different values", "keep the format of the line")),
}  # fmt: skip
