//! Texts in other languages than English, and other scripts.

use klout_ontology::{Language, PhraseKind};
use klout_topic_math::words::Words;

use crate::{Told as _, about, matcher, read, small, topic};

#[test]
fn a_phrase_counts_in_texts_of_its_language() {
    let matcher = matcher(small());
    for (text, slug) in [
        ("Ich habe gestern ein neues Rezept für meine Kinder gefunden", "cooking"),
        (
            "Der Einsatz künstlicher Intelligenz wird immer wieder überschätzt",
            "artificial-intelligence",
        ),
        ("La inteligencia artificial no te va a quitar el trabajo", "artificial-intelligence"),
        ("اليوم جربت وصفة جديدة، والطبخ يحتاج صبر كثير", "cooking"),
        ("今日の晩ごはん、料理は面倒だけど食べるのは好き", "cooking"),
    ] {
        assert_eq!(about(&matcher, text), [slug], "{text}");
    }
    let english = "this is what the kochen of the rezept is like when you are with them";
    assert_eq!(about(&matcher, english), [""; 0], "German words in an English text");
}

#[test]
fn one_character_is_a_word_where_it_stands_for_one() {
    let tea = topic(1, "tea", "Tea", &[]).told("ja", PhraseKind::Alias, &["茶"]);
    let matcher = matcher(vec![tea.told("zh", PhraseKind::Alias, &["茶"])]);
    assert_eq!(about(&matcher, "お茶をいれました"), ["tea"]);
    assert_eq!(about(&matcher, "周末泡一壶老白茶,看看书"), ["tea"]);
    assert_eq!(about(&matcher, "茶色の犬がいました"), [""; 0], "brown");
}

#[test]
fn voiced_kana_are_found_however_they_are_written() {
    let jazz = topic(1, "jazz", "Jazz", &[]).told("ja", PhraseKind::Alias, &["ジャズ"]);
    let matcher = matcher(vec![jazz]);
    for text in [
        "昨日はジャズを聴きました",
        "昨日はシ\u{3099}ャス\u{3099}を聴きました",
        "昨日はｼﾞｬｽﾞを聴きました",
    ] {
        assert_eq!(about(&matcher, text), ["jazz"], "{text}");
    }
    assert_eq!(about(&matcher, "昨日はシャスを聴きました"), [""; 0]);
}

#[test]
fn an_english_name_counts_elsewhere_and_less() {
    let matcher = matcher(small());
    let german = read(&matcher, "Wir haben gestern nach der Arbeit noch golf gespielt und gelacht");
    let english =
        read(&matcher, "We have been out to play golf after the work and we laughed so much");
    assert_eq!((german.len(), english.len()), (1, 1), "{german:?} {english:?}");
    assert!(german[0].weight < english[0].weight);
}

#[test]
fn a_language_is_told_by_the_text_or_said() {
    let matcher = matcher(small());
    let told = |text| {
        let words = Words { text, ..Words::default() };
        matcher.language(&words).map(|it| it.to_string())
    };
    for (text, language) in [
        ("Who has the best recipe for this weekend, and what do you need for it?", Some("en")),
        ("Wer hat das beste Rezept für dieses Wochenende, und was braucht man dafür?", Some("de")),
        ("今日は良い天気ですね", Some("ja")),
        ("jazz", None),
        ("", None),
        ("🎂🎂🎂", None),
    ] {
        assert_eq!(told(text).as_deref(), language, "{text}");
    }
    let german: Language = "de".parse().expect("a language");
    let words = Words { text: "who knows", language: Some(german), ..Words::default() };
    assert_eq!(matcher.language(&words), Some(german));
}
