//! Contacts of any text, and loyalty numbers whose parts a line divides.

#![no_main]

use klout_social_graph::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(phone) = fuzzing::phone(text) {
        let digits = phone.strip_prefix('+').expect("E.164");
        assert!(digits.len() <= 17 && digits.bytes().all(|it| it.is_ascii_digit()));
    }
    // Written in lower case, text may be longer than it was, and then too long.
    if let Some(email) = fuzzing::email(text) {
        assert_eq!(email, email.to_lowercase().trim());
        assert!(fuzzing::email(&email).is_none_or(|again| again == email));
    }
    if let Some((program, number)) = text.split_once('\n')
        && let Some(written) = fuzzing::loyalty_number(program, number)
    {
        let (program, number) = written.split_once(':').expect("both parts");
        assert!((1..=64).contains(&program.len()) && (1..=64).contains(&number.len()));
        assert!(!number.contains(char::is_whitespace));
    }
});
