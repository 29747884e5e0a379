//! A table: columns with ids and units, rows of cells, notes. For people in 80 columns, and as JSON.
use serde_json::{json, Map, Value};

const WIDTH: usize = 80;

pub struct Column {
    pub id: &'static str,
    pub header: &'static str,
    pub unit: &'static str,
}

pub const fn column(id: &'static str, header: &'static str, unit: &'static str) -> Column {
    Column { id, header, unit }
}

pub enum Cell {
    Text(String),
    Real(f64),
    None,
}

impl Cell {
    pub fn real(number: Option<f64>) -> Self {
        number.map_or(Cell::None, Cell::Real)
    }

    fn text(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Real(number) => format!("{number:.2}"),
            Cell::None => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Cell::Text(text) => json!(text),
            Cell::Real(number) => json!(number),
            Cell::None => Value::Null,
        }
    }
}

pub struct Table {
    /// Its name in JSON.
    pub key: &'static str,
    title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    pub note: String,
}

impl Table {
    pub fn new(key: &'static str, title: String, columns: Vec<Column>) -> Self {
        Self { key, title, columns, rows: Vec::new(), note: String::new() }
    }

    pub fn add(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "a cell for each column");
        self.rows.push(row);
    }

    pub fn json_rows(&self) -> Value {
        let row_of = |row: &Vec<Cell>| {
            let cells = self.columns.iter().zip(row).map(|(column, cell)| (column.id.to_owned(), cell.json()));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        self.rows.iter().map(row_of).collect()
    }

    pub fn print(&self) {
        let header = |column: &Column| match column.unit {
            "" => column.header.to_owned(),
            unit => format!("{} ({unit})", column.header),
        };
        let mut lines: Vec<Vec<String>> = vec![self.columns.iter().map(header).collect()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(Cell::text).collect()));
        let width_of = |index: usize| lines.iter().map(|line| line[index].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width_of).collect();
        // A column is text if its first row is.
        let is_text = |index: usize| matches!(self.rows.first().map(|row| &row[index]), Some(Cell::Text(_)));

        print_wrapped(&self.title);
        for line in &lines {
            let cell = |(index, text): (usize, &String)| match is_text(index) {
                true => format!("{text:<width$}", width = widths[index]),
                false => format!("{text:>width$}", width = widths[index]),
            };
            println!("{}", line.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end());
        }
        print_wrapped(&self.note);
    }
}

fn print_wrapped(text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
            println!("{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        println!("{line}");
    }
}
