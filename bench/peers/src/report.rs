//! Where tables go: printed as they come, or kept for one JSON document with a member for each, as pvm-bench writes it.
use crate::table::Table;
use serde_json::{json, Map, Value};

pub struct Report {
    document: Option<Map<String, Value>>,
    notes: Vec<String>,
    has_begun: bool,
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self { document: json.then(Map::new), notes: Vec::new(), has_begun: false }
    }

    pub fn add(&mut self, table: Table) {
        if let Some(document) = &mut self.document {
            document.insert(table.key.to_owned(), table.json_rows());
            self.notes.push(table.note);
            return;
        }
        if self.has_begun {
            println!();
        }
        self.has_begun = true;
        table.print();
    }

    pub fn finish(self) -> Result<(), String> {
        if let Some(mut document) = self.document {
            document.insert("notes".to_owned(), json!(self.notes));
            let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
            println!("{text}");
        }
        Ok(())
    }
}
