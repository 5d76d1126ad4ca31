//! Rows of a result in columns.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::{bars, exit::Failure, output, printable};

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// Prints rows under their heads. What is too wide for the terminal goes on in the next line.
pub(crate) fn print<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let mut text = lines(columns, rows, bars::width()).into_iter();
    text.try_for_each(|line| output::line(&line))
}

/// The same as lines of at most `width` columns.
fn lines<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: usize,
) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(columns.map(|column| match column {
        Column::Text(head) | Column::Number(head) => head,
    }));
    for row in rows {
        table.add_row(row.map(|text| printable::on_one_line(&text)));
    }
    for (column, kind) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if matches!(kind, Column::Number(_)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [[String; 2]; 2] {
        [["ann".to_owned(), "7".to_owned()], ["日本\u{1b}[2J".to_owned(), "12".to_owned()]]
    }

    #[test]
    fn names_stand_left_numbers_right_and_nothing_is_obeyed() {
        let lines = lines([Column::Text("who"), Column::Number("score")], rows(), 80);
        assert_eq!(
            lines,
            ["who            score", "ann                7", r"日本\u{1b}[2J     12"]
        );
    }

    #[test]
    fn what_is_too_wide_goes_on_below() {
        let long = [["a long name of somebody".to_owned()]];
        let lines = lines([Column::Text("who")], long, 14);
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= 14), "{lines:?}");
    }
}
