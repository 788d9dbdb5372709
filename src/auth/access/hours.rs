//! Hours of the week, at a fixed offset from UTC: no time zone's summer time moves a rule.

use crate::auth::Timestamp;

/// Days, and the time on each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Which days, Monday first.
    days: [bool; 7],
    /// Minutes since midnight, up to 1440; the end is not in it.
    from: u16,
    to: u16,
    /// Minutes east of UTC.
    offset: i16,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Hours {
    /// Every day, the whole day, in UTC.
    pub const ALWAYS: Self = Self { days: [true; 7], from: 0, to: DAY, offset: 0 };

    /// Only these days; a time that ends after midnight belongs to the day on which it began.
    #[must_use]
    pub fn on(mut self, days: &[Day]) -> Self {
        self.days = [false; 7];
        for &day in days {
            self.days[day as usize] = true;
        }
        self
    }

    /// Only from one time of day (`08:00`) to another (`24:00` at most); where the latter is the
    /// earlier, it is the next day's.
    pub fn between(mut self, from: &str, to: &str) -> Result<Self, String> {
        self.from =
            time_of_day(from).filter(|&minutes| minutes < DAY).ok_or_else(|| no_time(from))?;
        self.to = time_of_day(to).ok_or_else(|| no_time(to))?;
        if self.from == self.to {
            return Err(format!(
                "from {from} to {to} is no time at all; leave both out for the whole day"
            ));
        }
        Ok(self)
    }

    /// By the clocks of `+01:00` (or `Z`), all year round.
    pub fn at(mut self, offset: &str) -> Result<Self, String> {
        let minutes = match offset.split_at_checked(1) {
            _ if offset == "Z" => Some(0),
            Some(("+", time)) => time_of_day(time).map(i32::from),
            Some(("-", time)) => time_of_day(time).map(|minutes| -i32::from(minutes)),
            _ => None,
        };
        let within = minutes.filter(|minutes| (-12 * 60..=14 * 60).contains(minutes));
        let minutes = within.and_then(|minutes| i16::try_from(minutes).ok());
        self.offset = minutes.ok_or_else(|| {
            format!("{offset:?} is no offset from UTC; write it like \"+01:00\", or \"Z\"")
        })?;
        Ok(self)
    }

    /// Whether a moment lies in them.
    pub fn has(&self, now: Timestamp) -> bool {
        let minutes = i64::try_from(now.as_unix() / 60).unwrap_or(i64::MAX - i64::from(DAY));
        let local = minutes + i64::from(self.offset);
        let (day, minute) = (local.div_euclid(i64::from(DAY)), local.rem_euclid(i64::from(DAY)));
        // 1970-01-01 was a Thursday.
        let is_on = |day: i64| self.days[(day + 3).rem_euclid(7) as usize];
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        if from < to {
            is_on(day) && (from..to).contains(&minute)
        } else {
            (is_on(day) && minute >= from) || (is_on(day - 1) && minute < to)
        }
    }
}

impl Day {
    /// The days as they are written, in their order.
    pub const ALL: [(&'static str, Self); 7] = [
        ("mon", Self::Monday),
        ("tue", Self::Tuesday),
        ("wed", Self::Wednesday),
        ("thu", Self::Thursday),
        ("fri", Self::Friday),
        ("sat", Self::Saturday),
        ("sun", Self::Sunday),
    ];
}

/// `08:00` in minutes, up to `24:00`.
fn time_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_two.then(|| digits.parse::<u16>().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes).filter(|&minutes| minutes < 60)?);
    Some(hours * 60 + minutes).filter(|&all| all <= DAY)
}

fn no_time(text: &str) -> String {
    format!("{text:?} is no time of day; write it like \"08:00\"")
}

/// In minutes.
const DAY: u16 = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-05 was a Monday.
    const MONDAY: u64 = 1_767_571_200;

    fn moment(day: u64, hour: u64, minute: u64) -> Timestamp {
        Timestamp::from_unix(MONDAY + (day * 24 + hour) * 3600 + minute * 60)
    }

    #[test]
    fn hours_hold_on_their_days_to_the_minute() {
        let work = Hours::ALWAYS.on(&[Day::Monday, Day::Friday]).between("08:00", "18:00").unwrap();
        for (day, hour, minute, holds) in [
            (0, 7, 59, false),
            (0, 8, 0, true),
            (0, 17, 59, true),
            (0, 18, 0, false),
            (1, 12, 0, false),
            (4, 12, 0, true),
            (6, 12, 0, false),
            (7, 12, 0, true),
        ] {
            assert_eq!(work.has(moment(day, hour, minute)), holds, "{day} {hour}:{minute}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_began() {
        let night = Hours::ALWAYS.on(&[Day::Sunday]).between("22:00", "06:00").unwrap();
        for (day, hour, holds) in [
            (6, 21, false),
            (6, 22, true),
            (7, 5, true),
            (7, 6, false),
            (7, 22, false),
            (6, 3, false),
        ] {
            assert_eq!(night.has(moment(day, hour, 0)), holds, "{day} {hour}");
        }
        let last = Hours::ALWAYS.between("23:00", "24:00").unwrap();
        assert!(last.has(moment(0, 23, 59)) && !last.has(moment(1, 0, 0)));
    }

    #[test]
    fn an_offset_moves_the_clock_and_the_day() {
        let east = Hours::ALWAYS.on(&[Day::Tuesday]).at("+01:00").unwrap();
        assert!(!east.has(moment(0, 22, 59)) && east.has(moment(0, 23, 0)));
        assert!(east.has(moment(1, 22, 59)) && !east.has(moment(1, 23, 0)));
        let west = Hours::ALWAYS.on(&[Day::Sunday]).at("-05:30").unwrap();
        assert!(west.has(moment(0, 5, 29)) && !west.has(moment(0, 5, 30)));
        let epoch = Hours::ALWAYS.on(&[Day::Wednesday]).at("-00:01").unwrap();
        assert!(epoch.has(Timestamp::from_unix(0)), "a Thursday in UTC");
    }

    #[test]
    fn times_and_offsets_are_written_in_one_way() {
        for (from, to) in [
            ("8:00", "18:00"),
            ("08:00", "24:01"),
            ("24:00", "08:00"),
            ("08:60", "09:00"),
            ("", "09:00"),
            ("+8:00", "09:00"),
            ("08:00", "08:00"),
        ] {
            assert!(Hours::ALWAYS.between(from, to).is_err(), "{from} {to}");
        }
        for offset in ["", "1", "+1:00", "01:00", "+15:00", "-13:00", "Europe/Berlin", "é1:00"] {
            assert!(Hours::ALWAYS.at(offset).is_err(), "{offset}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_moment_panics(millis: u64, from in 0_u16..1440, to in 0_u16..=1440, offset in -720_i16..=840) {
            let _ = Hours { days: [true; 7], from, to, offset }.has(Timestamp(millis));
        }
    }
}
