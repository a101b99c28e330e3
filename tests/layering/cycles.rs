//! Finds modules, and layers, that use one another in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who uses whom, and where: the units are layers or modules directly below them.
#[derive(Default)]
pub(super) struct Uses {
    modules: Graph,
    layers: Graph,
}

type Graph = BTreeMap<String, BTreeMap<String, String>>;

impl Uses {
    /// Notes that `from` uses `to` at `place`. The root of a layer and a module in it are one
    /// module in several files: that they use one another is no circle.
    pub(super) fn add(&mut self, from: &str, to: &str, place: String) {
        let layer = |unit: &str| unit.split("::").next().unwrap_or(unit).to_owned();
        let (from_layer, to_layer) = (layer(from), layer(to));
        if to.is_empty() {
            return;
        }
        if from_layer != to_layer {
            note(&mut self.layers, &from_layer, &to_layer, &place);
        } else if from_layer == from || to_layer == to {
            return;
        }
        note(&mut self.modules, from, to, &place);
    }
}

fn note(graph: &mut Graph, from: &str, to: &str, place: &str) {
    let places = graph.entry(from.to_owned()).or_default();
    places
        .entry(to.to_owned())
        .or_insert_with(|| place.to_owned());
}

/// A line for each circle of modules and of layers.
pub(super) fn cycles(uses: &Uses) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for graph in [&uses.modules, &uses.layers] {
        for start in graph.keys() {
            let Some(circle) = circle(graph, start) else {
                continue;
            };
            let members: BTreeSet<String> = circle.iter().cloned().collect();
            if seen.insert(members) {
                found.push(shown(graph, &circle));
            }
        }
    }
    found
}

/// The shortest way from `start` back to it.
fn circle(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut queue = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = queue.pop_front() {
        for next in path
            .last()
            .and_then(|last| graph.get(last))
            .into_iter()
            .flat_map(BTreeMap::keys)
        {
            if next == start {
                return Some(path);
            }
            if seen.insert(next.clone()) {
                queue.push_back([&path[..], std::slice::from_ref(next)].concat());
            }
        }
    }
    None
}

fn shown(graph: &Graph, circle: &[String]) -> String {
    let mut text = circle[0].clone();
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        text += &format!(" → {to} ({})", graph[from][to]);
    }
    text
}
