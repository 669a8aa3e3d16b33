//! `/api/jobs/list`

use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{
        Result,
        fields::time::UnixTime,
        machine::job::{JobReport, Rhythm},
    },
};

pub async fn list(mut call: Call) -> Result<Value> {
    call.finish()?;
    let jobs = call.ops.job_reports(&call.actor).await?;
    Ok(json!({ "jobs": jobs.iter().map(shown).collect::<Vec<_>>(), "total": jobs.len() }))
}

fn shown(job: &JobReport) -> Value {
    let period = match job.rhythm {
        Rhythm::Every { period, .. } => Some(period.as_secs_f64()),
        Rhythm::EachMinute => Some(60.0),
        Rhythm::Always | Rhythm::OnDemand => None,
    };
    json!({
        "name": job.name,
        "about": job.about,
        "period": period,
        "running": job.running_since.is_some(),
        "running_since": job.running_since.map(UnixTime::seconds),
        "progress": job.progress.map(|(done, of)| json!({ "done": done, "of": of })),
        "failed": job.failed,
        "last_run_at": job.last.map(|(at, _)| at.seconds()),
        "last_run_seconds": job.last.map(|(_, took)| took.as_secs_f64()),
        "next_run_at": job.next.map(UnixTime::seconds),
        "last_error": job.last_error.as_ref().map(|(_, why)| why),
        "last_error_at": job.last_error.as_ref().map(|(at, _)| at.seconds()),
    })
}
