//! Tables that read well in a terminal and are Markdown.

/// The first row is the header; the columns from `right` on are numbers.
pub(super) fn markdown(rows: &[Vec<String>], right: usize) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let lengths = rows.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count());
        lengths.max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut lines = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    if column < right {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                })
                .collect();
        lines.push(format!("| {} |", cells.join(" | ")));
        if place == 0 {
            let rule = widths.iter().enumerate().map(|(column, width)| {
                let dashes = "-".repeat(width - 1);
                if column < right { format!("-{dashes}") } else { format!("{dashes}:") }
            });
            lines.push(format!("| {} |", rule.collect::<Vec<_>>().join(" | ")));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A row of texts.
pub(super) fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_stand_on_the_right() {
        let rows = [row(&["set", "figure"]), row(&["higgs", "0.5"])];
        assert_eq!(
            markdown(&rows, 1),
            "| set   | figure |\n| ----- | -----: |\n| higgs |    0.5 |\n"
        );
    }
}
