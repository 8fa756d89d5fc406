//! Who has which key group, from top to bottom.

use std::fmt;

use super::super::{Owner, escaped};
use super::{COLOURS, Drawing, HEADER, ROW};

impl Drawing<'_> {
    /// Cells that stay the same are one rectangle from top to bottom.
    pub(super) fn owners(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.picture.key_groups == 0 {
            return Ok(());
        }
        f.write_str("<g class=\"map\">")?;
        let none = Vec::new();
        for group in 0..self.picture.key_groups {
            let at = |row: usize| self.picture.rows[row].owners.get(group).unwrap_or(&none);
            let mut from = 0;
            for row in 1..=self.picture.rows.len() {
                if row == self.picture.rows.len() || at(row) != at(from) {
                    self.cell(f, group, from, row, at(from))?;
                    from = row;
                }
            }
        }
        f.write_str("</g>\n")
    }

    fn cell(
        &self,
        f: &mut fmt::Formatter<'_>,
        group: usize,
        from: usize,
        to: usize,
        owners: &[Owner],
    ) -> fmt::Result {
        let gap = if self.group >= 8.0 { 2.0 } else { 0.0 };
        let (x, width) = (self.map + group as f64 * self.group, self.group - gap);
        let y = (HEADER + ROW * from) as f64 + 1.0;
        let height = (ROW * (to - from)) as f64 - 2.0;
        if owners.is_empty() {
            return writeln!(
                f,
                r#"<rect class="nobody" x="{x:.2}" y="{y}" width="{width:.2}" height="{height}" rx="3"/>"#
            );
        }
        let share = width / owners.len() as f64;
        for (index, owner) in owners.iter().enumerate() {
            let phase = if owner.processes { "" } else { " idle" };
            writeln!(
                f,
                r#"<rect class="owner c{}{phase}" x="{:.2}" y="{y}" width="{share:.2}" height="{height}" rx="3"><title>key group {group}: {}</title></rect>"#,
                owner.subtask % COLOURS,
                x + index as f64 * share,
                escaped(&owner.words)
            )?;
        }
        let both = owners.iter().filter(|owner| owner.processes).count() > 1;
        if both {
            writeln!(
                f,
                r#"<rect class="both" x="{x:.2}" y="{y}" width="{width:.2}" height="{height}" rx="3"/>"#
            )?;
        }
        Ok(())
    }
}
