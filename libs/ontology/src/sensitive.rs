//! Which topics of an imported ontology tell of somebody's health, religion, sex life, politics or ethnic origin.
//!
//! Klout's files do not say. These are slugs and Wikidata items of its edition of June 2018; what is part of
//! them is sensitive as well, which makes about 350 of its 8,034 topics. Whatever has the slug or the item of a
//! sensitive topic that ships with the project is sensitive too, so that none leads to an open one.

use std::sync::LazyLock;

use crate::shipped;

/// Slug and item, so that either may change.
const SENSITIVE: [(&str, &str); 118] = [
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
    ("hearing-aids", "Q323808"),
    ("livestrong", "Q196066"),
    ("movember", "Q31489"),
    ("hospice", "Q608152"),
    ("palliative-care", "Q29483"),
    ("pain-management", "Q621261"),
    ("prosthetics", "Q181802"),
    ("cleft-palate", "Q222634"),
    // Faith, and having none.
    ("salvation-army", "Q188307"),
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
    ("politics", "Q7163"),
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
    ("activism", "Q203764"),
    ("human-rights", "Q8458"),
    ("amnesty-international", "Q42970"),
    ("peta", "Q151888"),
    ("animal-rights", "Q426"),
    ("voting", "Q189760"),
    ("elections", "Q40231"),
    ("voting-rights-act", "Q1608064"),
    ("minimum-wage", "Q186228"),
    ("enda", "Q1340228"),
    ("social-justice", "Q264892"),
    ("capital-punishment", "Q8454"),
    ("african-national-congress", "Q83162"),
    ("hamas", "Q38799"),
    ("taliban", "Q42418"),
    ("isil", "Q1674874"),
    ("al-qaeda", "Q34490"),
    ("angela-merkel", "Q567"),
    ("vladimir-putin", "Q7747"),
    ("hosni-mubarak", "Q34105"),
    ("fidel-castro", "Q11256"),
    ("kathy-hochul", "Q45956"),
    ("fred-upton", "Q505236"),
    ("marsha-blackburn", "Q458971"),
    // Where people come from.
    ("native-american", "Q49297"),
    ("african-american-history", "Q162881"),
    ("zionism", "Q42388"),
];

/// Part of something sensitive, and harmless: musicians are below Christian music, companies below politics. The
/// first has the item of politics, and all that states do below it.
const HARMLESS: [&str; 34] = [
    "government-and-politics-super",
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
    "street-art",
    "nobel-prize",
    "nobel-peace-prize",
    "conservation",
    "fair-trade",
    "habitat-for-humanity",
    "unicef",
    "hunger",
    "madd",
    "social-business",
    "social-enterprise",
];

/// What is sensitive in the ontology that ships with the project.
static SHIPPED: LazyLock<Vec<(&str, Option<&str>)>> = LazyLock::new(|| {
    let shipped = shipped::ontology();
    let sensitive = shipped.topics().iter().filter(|topic| shipped.is_sensitive(topic.id));
    sensitive.map(|topic| (topic.slug.as_str(), topic.wikidata.as_deref())).collect()
});

/// Whether a topic says so by itself. `None`: it is as what it is part of.
pub(crate) fn of(slug: &str, wikidata: Option<&str>) -> Option<bool> {
    let listed = |known: &str, item: Option<&str>| {
        known == slug || item.is_some_and(|item| wikidata == Some(item))
    };
    if HARMLESS.contains(&slug) {
        return Some(false);
    }
    let is_sensitive = SENSITIVE.iter().any(|(known, item)| listed(known, Some(item)))
        || SHIPPED.iter().any(|(known, item)| listed(known, *item));
    is_sensitive.then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_listed_twice_and_nothing_sensitive_of_ours_is_called_harmless() {
        for (place, (slug, _)) in SENSITIVE.iter().enumerate() {
            assert!(!SENSITIVE[..place].iter().any(|(other, _)| other == slug), "{slug} twice");
            assert!(!HARMLESS.contains(slug), "{slug} is both");
        }
        for (slug, item) in SHIPPED.iter() {
            assert_eq!(of(slug, *item), Some(true), "{slug}");
            assert_eq!(of("another", *item), item.map(|_| true), "{slug}");
        }
    }
}
