//! Rows of a file: read from CSV, and as they are kept. Pure.
//!
//! Addresses and numbers are hashed while they are read; nothing of them is kept in the clear. A hash that was made here
//! counts as what was given in the clear, so a row in which anything is given so has no other hashes: whoever gives names
//! and somebody's hash beside them must not learn whether it is theirs.

use klout_import::CsvFields;
use klout_model::{NativeId, Network, PersonId};
use klout_proto::graph::v1::{AccountName, Contacts, ResolvePersonRequest, account_name};
use prost::Message;

/// Bytes of what a customer calls a row.
const KEY_MAX: usize = 256;

/// Why a row cannot be looked up. The words stand in files, and are never renamed.
pub(crate) mod reason {
    pub(crate) const ROW_MALFORMED: &str = "ROW_MALFORMED";
    pub(crate) const KEY_TOO_LONG: &str = "KEY_TOO_LONG";
    pub(crate) const EMAIL_INVALID: &str = "EMAIL_INVALID";
    pub(crate) const PHONE_INVALID: &str = "PHONE_INVALID";
    pub(crate) const LOYALTY_NUMBER_INVALID: &str = "LOYALTY_NUMBER_INVALID";
    pub(crate) const HASH_INVALID: &str = "HASH_INVALID";
    pub(crate) const NETWORK_INVALID: &str = "NETWORK_INVALID";
    pub(crate) const ACCOUNT_INVALID: &str = "ACCOUNT_INVALID";
    pub(crate) const PERSON_INVALID: &str = "PERSON_INVALID";
    pub(crate) const NOTHING_NAMED: &str = "NOTHING_NAMED";
}

/// The columns of a file that say something to us, and where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    /// How many there are, of ours and others.
    count: usize,
    key: Option<usize>,
    email: Option<usize>,
    email_sha256: Option<usize>,
    phone: Option<usize>,
    phone_sha256: Option<usize>,
    loyalty_number: Option<usize>,
    loyalty_number_sha256: Option<usize>,
    network: Option<usize>,
    handle: Option<usize>,
    native_id: Option<usize>,
    person: Option<usize>,
}

/// A row as it is kept.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Row {
    /// What the customer calls it. Empty: it is called by its number.
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    /// Why it cannot be looked up. Empty: it can, or was.
    #[prost(string, tag = "2")]
    pub(crate) failed: String,
    /// By what it is looked up. Absent: it was, or cannot be.
    #[prost(message, optional, tag = "3")]
    pub(crate) names: Option<Names>,
}

/// By what somebody is looked up.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Names {
    #[prost(bytes = "vec", tag = "1")]
    email: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    phone: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    loyalty_number: Vec<u8>,
    /// Whether these were given in the clear, and hashed here.
    #[prost(bool, tag = "4")]
    pub(crate) clear: bool,
    #[prost(string, tag = "5")]
    network: String,
    #[prost(string, tag = "6")]
    handle: String,
    #[prost(string, tag = "7")]
    native_id: String,
    #[prost(string, tag = "8")]
    person: String,
}

/// Rows as they are kept together.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rows {
    #[prost(message, repeated, tag = "1")]
    pub(crate) rows: Vec<Row>,
}

/// A row that is being read, of which everything is used that can be.
struct Reading<'a> {
    columns: &'a Columns,
    values: Vec<&'a [u8]>,
    /// Of what cannot be used, why the first cannot.
    flaw: Option<&'static str>,
}

// === impl Columns ===

impl Columns {
    /// Reads a header.
    pub(crate) fn of(header: &[String]) -> Result<Self, String> {
        let mut columns = Self { count: header.len(), ..Self::default() };
        for (place, name) in header.iter().enumerate() {
            let name = name.to_lowercase();
            let Some(column) = columns.named(&name) else { continue };
            if column.replace(place).is_some() {
                return Err(format!("the first line names the column `{name}` twice"));
            }
        }
        let named = [
            columns.email,
            columns.email_sha256,
            columns.phone,
            columns.phone_sha256,
            columns.loyalty_number,
            columns.loyalty_number_sha256,
            columns.network.and(columns.handle.or(columns.native_id)),
            columns.person,
        ];
        if named.iter().all(Option::is_none) {
            return Err("the first line names no column to look anybody up by: email, phone or loyalty_number, one of \
                        them with _sha256, network with handle or native_id, or person"
                .to_owned());
        }
        Ok(columns)
    }

    fn named(&mut self, name: &str) -> Option<&mut Option<usize>> {
        Some(match name {
            "key" => &mut self.key,
            "email" => &mut self.email,
            "email_sha256" => &mut self.email_sha256,
            "phone" => &mut self.phone,
            "phone_sha256" => &mut self.phone_sha256,
            "loyalty_number" => &mut self.loyalty_number,
            "loyalty_number_sha256" => &mut self.loyalty_number_sha256,
            "network" => &mut self.network,
            "handle" => &mut self.handle,
            "native_id" => &mut self.native_id,
            "person" => &mut self.person,
            _ => return None,
        })
    }
}

// === impl Row ===

impl Row {
    pub(crate) fn read(columns: &Columns, fields: &CsvFields) -> Self {
        if fields.is_too_long() {
            return Self::failed(String::new(), reason::ROW_MALFORMED);
        }
        let values: Vec<&[u8]> = fields.iter().collect();
        let mut reading = Reading { columns, values, flaw: None };
        let key = reading.text(columns.key).to_owned();
        if reading.values.len() != columns.count {
            return Self::failed(beginning(key), reason::ROW_MALFORMED);
        }
        if let Some(flaw) = reading.flaw {
            return Self::failed(key, flaw);
        }
        if key.len() > KEY_MAX {
            return Self::failed(beginning(key), reason::KEY_TOO_LONG);
        }
        match reading.names() {
            Ok(names) => Self { key, failed: String::new(), names: Some(names) },
            Err(flaw) => Self::failed(key, flaw),
        }
    }

    fn failed(key: String, reason: &str) -> Self {
        Self { key, failed: reason.to_owned(), names: None }
    }
}

fn beginning(mut key: String) -> String {
    key.truncate(key.floor_char_boundary(KEY_MAX));
    key
}

// === impl Reading ===

impl<'a> Reading<'a> {
    fn names(&mut self) -> Result<Names, &'static str> {
        let columns = self.columns;
        let person = self.text(columns.person);
        if !person.is_empty() {
            // Whoever names a person looks for them alone.
            let person: PersonId = person.parse().map_err(|_| reason::PERSON_INVALID)?;
            return Ok(Names { person: person.to_string(), ..Names::default() });
        }
        let account = self.account();
        let loyalty_number = |text: &str| {
            let (program, number) = text.split_once(':').unwrap_or_default();
            klout_contact::loyalty_number(program, number)
        };
        let email = self.clear(columns.email, reason::EMAIL_INVALID, klout_contact::email);
        let phone = self.clear(columns.phone, reason::PHONE_INVALID, klout_contact::phone);
        let flaw = reason::LOYALTY_NUMBER_INVALID;
        let loyalty = self.clear(columns.loyalty_number, flaw, loyalty_number);
        let clear = [&email, &phone, &loyalty].iter().any(|it| it.is_some());
        let [email, phone, loyalty_number] = if clear {
            [email, phone, loyalty]
        } else {
            let hashed =
                [columns.email_sha256, columns.phone_sha256, columns.loyalty_number_sha256];
            hashed.map(|column| self.hashed(column))
        };
        let bytes = |hash: Option<[u8; 32]>| hash.map(Vec::from).unwrap_or_default();
        let (network, handle, native_id) = account.unwrap_or_default();
        let names = Names {
            email: bytes(email),
            phone: bytes(phone),
            loyalty_number: bytes(loyalty_number),
            clear,
            network,
            handle,
            native_id,
            person: String::new(),
        };
        if names == Names::default() {
            return Err(self.flaw.unwrap_or(reason::NOTHING_NAMED));
        }
        Ok(names)
    }

    /// Network, handle and native id, of which the last names it alone if it is there.
    fn account(&mut self) -> Option<(String, String, String)> {
        let columns = self.columns;
        let (handle, native_id) = (self.text(columns.handle), self.text(columns.native_id));
        let network = self.text(columns.network);
        if handle.is_empty() && native_id.is_empty() {
            return None;
        }
        let network: Network = self.or_flaw(network.parse(), reason::NETWORK_INVALID)?;
        let name = if native_id.is_empty() { handle } else { native_id };
        let name: NativeId = self.or_flaw(name.parse(), reason::ACCOUNT_INVALID)?;
        let (network, name) = (network.to_string(), name.to_string());
        Some(if native_id.is_empty() {
            (network, name, String::new())
        } else {
            (network, String::new(), name)
        })
    }

    fn clear(
        &mut self,
        column: Option<usize>,
        flaw: &'static str,
        write: impl Fn(&str) -> Result<String, &'static str>,
    ) -> Option<[u8; 32]> {
        let text = self.text(column);
        if text.is_empty() {
            return None;
        }
        self.or_flaw(write(text), flaw).map(|text| klout_contact::hash(&text))
    }

    fn hashed(&mut self, column: Option<usize>) -> Option<[u8; 32]> {
        let text = self.text(column);
        if text.is_empty() {
            return None;
        }
        self.or_flaw(klout_contact::parse_hash(text), reason::HASH_INVALID)
    }

    fn or_flaw<T, E>(&mut self, result: Result<T, E>, flaw: &'static str) -> Option<T> {
        let Ok(value) = result else {
            self.flaw.get_or_insert(flaw);
            return None;
        };
        Some(value)
    }

    /// Empty where there is nothing, or nothing that can be read.
    fn text(&mut self, column: Option<usize>) -> &'a str {
        let bytes = column.and_then(|place| self.values.get(place)).copied().unwrap_or_default();
        self.or_flaw(std::str::from_utf8(bytes), reason::ROW_MALFORMED).unwrap_or_default().trim()
    }
}

// === impl Names ===

impl Names {
    /// As social-graph is asked.
    pub(crate) fn request(self, min_likelihood: f64) -> ResolvePersonRequest {
        let Self { email, phone, loyalty_number, clear: _, network, handle, native_id, person } =
            self;
        let name = if native_id.is_empty() {
            account_name::Name::Handle(handle)
        } else {
            account_name::Name::NativeId(native_id)
        };
        let account = AccountName { network, name: Some(name) };
        let accounts = if account.network.is_empty() { Vec::new() } else { vec![account] };
        let hashes = |hash: Vec<u8>| if hash.is_empty() { Vec::new() } else { vec![hex(&hash)] };
        let contacts = Contacts {
            email_hashes: hashes(email),
            phone_hashes: hashes(phone),
            loyalty_hashes: hashes(loyalty_number),
            ..Contacts::default()
        };
        ResolvePersonRequest {
            person,
            accounts,
            contacts: Some(contacts),
            min_likelihood: Some(min_likelihood),
            ..ResolvePersonRequest::default()
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|it| [it >> 4, it & 15]);
    digits.map(|it| char::from(DIGITS[usize::from(it)])).collect()
}

#[cfg(test)]
mod tests {
    use klout_import::CsvRows;
    use proptest::prelude::*;

    use super::*;

    fn read(csv: impl AsRef<[u8]> + Send + 'static) -> Result<Vec<Row>, String> {
        let bytes = Box::new(std::io::Cursor::new(csv));
        let mut reader = CsvRows::new("a test".to_owned(), bytes, 64 * 1024, 100);
        let header = reader.next_row().expect("memory").ok_or("nothing")?.header()?;
        let columns = Columns::of(&header)?;
        let mut rows = Vec::new();
        while let Some(fields) = reader.next_row().expect("memory") {
            rows.push(Row::read(&columns, fields));
        }
        Ok(rows)
    }

    fn names(csv: &str) -> Names {
        let rows = read(csv.to_owned()).expect("a header");
        rows[0].names.clone().unwrap_or_else(|| panic!("{rows:?}"))
    }

    #[test]
    fn where_anything_is_given_in_the_clear_other_hashes_count_for_nothing() {
        let (ann, bob) =
            (klout_contact::hash("ann@example.org"), klout_contact::hash("+49301234567"));
        let mixed = format!("email,phone_sha256\nAnn@Example.org,{}\n", hex(&bob));
        let found = names(&mixed);
        assert!(found.clear && found.email == ann && found.phone.is_empty());
        let hashed = format!("email_sha256,phone_sha256\n{},{}\n", hex(&ann), hex(&bob));
        let found = names(&hashed);
        assert!(!found.clear && found.email == ann && found.phone == bob);
        // An address that is none names nobody, and hides nothing either.
        let broken = format!("email,phone_sha256\nann,{}\n", hex(&bob));
        assert!(names(&broken).phone == bob);
    }

    #[test]
    fn of_a_row_everything_is_used_that_can_be() {
        let header = "email,phone,loyalty_number,network,handle,native_id,person";
        let found = names(&format!("{header}\nx,call me,miles:ab 1,bluesky,ann,,\n"));
        assert_eq!(found.loyalty_number, klout_contact::hash("miles:AB1"));
        assert_eq!((found.network.as_str(), found.handle.as_str()), ("bluesky", "ann"));
        let found = names(&format!("{header}\n,,,bluesky,ann,did:1,\n"));
        assert_eq!((found.handle.as_str(), found.native_id.as_str()), ("", "did:1"));
        let found = names(&format!("{header}\nann@example.org,,,,,,42\n"));
        assert_eq!(found, Names { person: "42".to_owned(), ..Names::default() });
    }

    #[test]
    fn the_first_thing_that_cannot_be_is_why_a_row_failed() {
        let failed = |csv: &str| read(csv.to_owned()).expect("a header")[0].failed.clone();
        for (csv, reason) in [
            ("email,phone\nann,1\n", reason::EMAIL_INVALID),
            ("phone\n030 123\n", reason::PHONE_INVALID),
            ("loyalty_number\n12345\n", reason::LOYALTY_NUMBER_INVALID),
            ("email_sha256\nabc\n", reason::HASH_INVALID),
            ("network,handle\n,ann\n", reason::NETWORK_INVALID),
            ("person\nann\n", reason::PERSON_INVALID),
            ("email,phone\n,\n", reason::NOTHING_NAMED),
            ("email,phone\nann@example.org\n", reason::ROW_MALFORMED),
        ] {
            assert_eq!(failed(csv), reason, "{csv}");
        }
        let bytes = read(b"key,email\n\xff,ann@example.org\n".to_vec()).expect("a header");
        assert_eq!(bytes[0].failed, reason::ROW_MALFORMED, "its key cannot be told back");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut csv = b"key,email,phone,loyalty_number,email_sha256,network,handle,person\n".to_vec();
            csv.extend(&bytes);
            for row in read(csv).expect("a header") {
                prop_assert!(row.failed.is_empty() == row.names.is_some());
                prop_assert!(row.key.len() <= KEY_MAX);
            }
            let _ = read(bytes);
        }
    }
}
