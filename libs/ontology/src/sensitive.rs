//! Which topics of an imported ontology tell of somebody's health, religion, sex life or politics.
//!
//! Klout's files do not say. These are slugs and Wikidata items of its edition of June 2018; what is part of
//! them is sensitive as well, which makes about 300 of its 8,034 topics.

/// Slug and item, so that either may change. No item: another topic, which is not sensitive, has it too.
const SENSITIVE: [(&str, &str); 82] = [
    // Illnesses, disabilities, pregnancy, and what people take against them.
    ("diseases", "Q12136"),
    ("cancer", "Q12078"),
    ("heart-disease", "Q190805"),
    ("migraines", "Q133823"),
    ("allergies", "Q42982"),
    ("mental-health", "Q317309"),
    ("epilepsy", "Q41571"),
    ("anxiety", "Q154430"),
    ("obesity", "Q12174"),
    ("pregnancy", "Q11995"),
    ("dyslexia", "Q132971"),
    ("addiction", "Q12029"),
    ("autism", "Q38404"),
    ("alcoholism", "Q15326"),
    ("childbirth", "Q34581"),
    ("weight-loss", "Q718113"),
    ("blindness", "Q737460"),
    ("deafness", "Q1498636"),
    ("disabilities", "Q12131"),
    ("breastfeeding", "Q174876"),
    ("homeopathy", "Q81058"),
    ("alternative-medicine", "Q188504"),
    ("chemotherapy", "Q974135"),
    ("cannabis", "Q79817"),
    ("medical-cannabis", "Q1033379"),
    ("antidepressants", "Q76560"),
    ("psychotherapy", "Q183257"),
    ("attention-deficit-hyperactivity-disorder", "Q181923"),
    ("huntingtons-disease", "Q190564"),
    ("assisted-suicide", "Q689846"),
    // Faith, and having none.
    ("religion", "Q9174"),
    ("atheism", "Q7066"),
    ("spirituality", "Q168796"),
    ("tarot", "Q583269"),
    ("astrology", "Q34362"),
    ("agnosticism", "Q288928"),
    ("islamism", "Q189746"),
    // Whom and how people love.
    ("birth-control", "Q122224"),
    ("sexual-health", "Q1981388"),
    ("marriage-equality", "Q17422"),
    ("human-rights-campaign", "Q1253380"),
    ("glaad", "Q1320972"),
    ("lgbt-issues", "Q17898"),
    ("same-sex-marriage", "Q17422"),
    ("drag-performance", "Q337084"),
    ("sex-education", "Q192280"),
    ("porn", "Q291"),
    // Views, parties, unions, and where people flee.
    ("abortion-debate", "Q2549098"),
    ("politics", ""),
    ("communism", "Q6186"),
    ("socialism", "Q7272"),
    ("liberalism", "Q6540860"),
    ("labor-unions", "Q178790"),
    ("immigration", "Q131288"),
    ("feminism", "Q7252"),
    ("political-philosophy", "Q179805"),
    ("marxism", "Q7264"),
    ("fascism", "Q6223"),
    ("anarchism", "Q6199"),
    ("libertarian", "Q178598"),
    ("nationalism", "Q6235"),
    ("gun-rights", "Q1305384"),
    ("gun-control", "Q1328508"),
    ("womens-rights", "Q223569"),
    ("mens-rights", "Q979108"),
    ("tea-party", "Q19042"),
    ("norml", "Q1967560"),
    ("refugees", "Q131572"),
    ("racial-inequality", "Q848745"),
    ("american-civil-liberties-union", "Q21637"),
    ("civil-rights-movement", "Q48537"),
    ("affirmative-action", "Q214244"),
    ("occupy-wall-street", "Q180654"),
    ("police-brutality", "Q1996993"),
    ("planned-parenthood", "Q2553262"),
    ("gender-justice", "Q113453"),
    ("pussy-riot", "Q7551"),
    ("wikileaks", "Q359"),
    ("naacp", "Q502044"),
    ("peace-activism", "Q708312"),
    ("moveon-dot-org", "Q2633547"),
    ("national-rifle-association", "Q863259"),
];

/// Part of something sensitive, and harmless: musicians are below Christian music, companies below politics.
const HARMLESS: [&str; 22] = [
    "christian-music",
    "women-in-tech",
    "international-relations",
    "political-science",
    "diplomacy",
    "feng-shui",
    "baby-shower",
    "ultrasound",
    "screen-actors-guild",
    "bloomberg",
    "midwifery",
    "oncology",
    "civil-society",
    "disability-insurance",
    "immigration-law",
    "speech-therapy",
    "mindfulness",
    "gratitude",
    "qigong",
    "soviet-union",
    "kgb",
    "stress-management",
];

/// Whether a topic says so by itself. `None`: it is as what it is part of.
pub(crate) fn of(slug: &str, wikidata: Option<&str>) -> Option<bool> {
    let listed = |(known, item): &(&str, &str)| *known == slug || wikidata == Some(*item);
    if HARMLESS.contains(&slug) {
        Some(false)
    } else {
        SENSITIVE.iter().any(listed).then_some(true)
    }
}
