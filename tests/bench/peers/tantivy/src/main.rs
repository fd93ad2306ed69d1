//! Tantivy as a peer: indexes an NDJSON file with one writer thread and one final segment.
//!
//!     quern-peer-tantivy index FILE DIR --time FIELD --text a,b --keyword c,d --i64 e --f64 f
//!
//! Text fields have positions and lengths (tokenizer `default`, tokens up to 255 bytes), keyword
//! fields exact terms and a column, numbers a column and terms, the document is stored with zstd.
//! Prints one line of JSON.
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use serde_json::Value;
use tantivy::schema::*;
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::{DateTime, Index, IndexSettings, TantivyDocument};

#[derive(Clone, Copy)]
enum Kind {
    Time,
    Text,
    Keyword,
    I64,
    F64,
}

fn list(args: &HashMap<String, String>, key: &str) -> Vec<String> {
    args.get(key)
        .map(|s| s.split(',').filter(|s| !s.is_empty()).map(String::from).collect())
        .unwrap_or_default()
}

fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|s| s.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn dir_bytes(dir: &str) -> u64 {
    std::fs::read_dir(dir)
        .map(|d| d.filter_map(|e| e.ok()).filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum())
        .unwrap_or(0)
}

fn parse_time(s: &str) -> Option<DateTime> {
    // 2014-01-22T17:11:12[.fraction]Z
    let b = s.as_bytes();
    if b.len() < 20 || *b.last()? != b'Z' {
        return None;
    }
    let n = |from: usize, to: usize| s.get(from..to)?.parse::<i64>().ok();
    let (y, m, d) = (n(0, 4)?, n(5, 7)?, n(8, 10)?);
    let (h, mi, sec) = (n(11, 13)?, n(14, 16)?, n(17, 19)?);
    let (y2, m2) = if m <= 2 { (y - 1, m + 9) } else { (y, m - 3) };
    let era = y2.div_euclid(400);
    let yoe = y2 - era * 400;
    let doy = (153 * m2 + 2) / 5 + d - 1;
    let days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    let mut nanos = 0i64;
    if b[19] == b'.' {
        let frac = &s[20..s.len() - 1];
        nanos = format!("{:0<9}", &frac[..frac.len().min(9)]).parse().ok()?;
    }
    Some(DateTime::from_timestamp_nanos(
        (days * 86400 + h * 3600 + mi * 60 + sec) * 1_000_000_000 + nanos,
    ))
}

fn walk(prefix: &str, v: &Value, fields: &HashMap<String, (Field, Kind)>, doc: &mut TantivyDocument) {
    match v {
        Value::Object(map) => {
            for (k, v) in map {
                let name = if prefix.is_empty() { k.clone() } else { format!("{prefix}.{k}") };
                walk(&name, v, fields, doc);
            }
        }
        Value::Array(items) => items.iter().for_each(|v| walk(prefix, v, fields, doc)),
        _ => {
            let Some(&(f, kind)) = fields.get(prefix) else { return };
            match (kind, v) {
                (Kind::Time, Value::String(s)) => {
                    if let Some(t) = parse_time(s) {
                        doc.add_date(f, t)
                    }
                }
                (Kind::Text | Kind::Keyword, Value::String(s)) => doc.add_text(f, s),
                (Kind::I64, v) => {
                    if let Some(n) = v.as_i64() {
                        doc.add_i64(f, n)
                    }
                }
                (Kind::F64, v) => {
                    if let Some(n) = v.as_f64() {
                        doc.add_f64(f, n)
                    }
                }
                _ => {}
            }
        }
    }
}

fn main() -> tantivy::Result<()> {
    let argv: Vec<String> = std::env::args().collect();
    if argv.len() < 4 || argv[1] != "index" {
        eprintln!("usage: quern-peer-tantivy index FILE DIR --time F --text a,b --keyword c --i64 d --f64 e");
        std::process::exit(2);
    }
    let mut args = HashMap::new();
    for pair in argv[4..].chunks(2) {
        if let [k, v] = pair {
            args.insert(k.trim_start_matches("--").to_string(), v.clone());
        }
    }
    let mut sb = Schema::builder();
    let mut fields = HashMap::new();
    let source = sb.add_bytes_field("_source", STORED);
    for name in list(&args, "time") {
        let f = sb.add_date_field(&name, DateOptions::default().set_indexed().set_fast());
        fields.insert(name, (f, Kind::Time));
    }
    for name in list(&args, "text") {
        fields.insert(name.clone(), (sb.add_text_field(&name, TEXT), Kind::Text));
    }
    for name in list(&args, "keyword") {
        fields.insert(name.clone(), (sb.add_text_field(&name, STRING | FAST), Kind::Keyword));
    }
    for name in list(&args, "i64") {
        fields.insert(name.clone(), (sb.add_i64_field(&name, INDEXED | FAST), Kind::I64));
    }
    for name in list(&args, "f64") {
        fields.insert(name.clone(), (sb.add_f64_field(&name, INDEXED | FAST), Kind::F64));
    }
    let schema = sb.build();
    let dir = &argv[3];
    std::fs::create_dir_all(dir)?;
    let settings = IndexSettings {
        docstore_compression: Compressor::Zstd(ZstdCompressor { compression_level: Some(1) }),
        ..Default::default()
    };
    let index = Index::builder().schema(schema).settings(settings).create_in_dir(dir)?;
    let start = Instant::now();
    let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 2_000_000_000)?;
    let (mut raw, mut docs) = (0u64, 0u64);
    let mut reader = BufReader::with_capacity(1 << 20, File::open(&argv[2])?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let text = line.trim_end_matches('\n');
        raw += text.len() as u64;
        docs += 1;
        let v: Value = serde_json::from_str(text).expect("JSON");
        let mut doc = TantivyDocument::new();
        doc.add_bytes(source, text.as_bytes());
        walk("", &v, &fields, &mut doc);
        writer.add_document(doc)?;
        line.clear();
    }
    writer.commit()?;
    let indexed = start.elapsed().as_secs_f64();
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
    }
    writer.wait_merging_threads()?;
    let total = start.elapsed().as_secs_f64();
    println!(
        "{{\"peer\":\"tantivy 0.26\",\"docs\":{docs},\"raw_bytes\":{raw},\"index_s\":{indexed:.3},\
         \"merge_s\":{:.3},\"MBps\":{:.1},\"bytes\":{},\"ratio\":{:.4},\"segments_before_merge\":{},\
         \"peak_rss_bytes\":{}}}",
        total - indexed,
        raw as f64 / indexed / 1e6,
        dir_bytes(dir),
        dir_bytes(dir) as f64 / raw as f64,
        segments.len(),
        peak_rss_bytes()
    );
    Ok(())
}
