//! Repeated measurements of one thing, and what is said about them. As bench/timing.c.

#[derive(Default)]
pub struct Sample {
    values: Vec<f64>,
}

impl Sample {
    pub fn add(&mut self, value: f64) {
        self.values.push(value);
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(share * (sorted.len() - 1) as f64 + 0.5) as usize]
    }

    pub fn minimum(&self) -> f64 {
        self.quantile(0.0)
    }

    /// Distance between the quartiles in percent of the median.
    pub fn spread_percent(&self) -> f64 {
        100.0 * (self.quantile(0.75) - self.quantile(0.25)) / self.quantile(0.5)
    }

    /// Median of `self[i] / other[i]`: the ratio of what was measured in turn.
    pub fn median_ratio(&self, other: &Sample) -> f64 {
        let ratios = self.values.iter().zip(&other.values).map(|(a, b)| a / b);
        Sample { values: ratios.collect() }.quantile(0.5)
    }
}

/// The largest spread of several.
pub fn most_spread<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> f64 {
    samples.into_iter().map(Sample::spread_percent).fold(0.0, f64::max)
}

/// Geometric mean of what is added.
#[derive(Default)]
pub struct Mean {
    log_sum: f64,
    count: usize,
}

impl Mean {
    /// None when nothing was added.
    pub fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.log_sum / self.count as f64).exp())
    }
}

impl Extend<f64> for Mean {
    fn extend<T: IntoIterator<Item = f64>>(&mut self, ratios: T) {
        for ratio in ratios {
            self.log_sum += ratio.ln();
            self.count += 1;
        }
    }
}
