//! Why a stream does not run.

/// Why a stream does not run; the sentence goes on after "The stream does not run: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr, strum::VariantNames)]
pub enum NotRunning {
    /// Nobody has switched it on.
    #[error("it is disabled; start it")]
    #[strum(serialize = "stream_switched_off")]
    SwitchedOff,
    /// It is another server's.
    #[error("it is assigned to a load balancer, and these do not run streams yet; set its server_id to 1")]
    #[strum(serialize = "stream_on_load_balancer")]
    OnLoadBalancer,
    /// Its source had an end.
    #[error("it was played to its end; start it to play it again")]
    #[strum(serialize = "stream_ended")]
    Ended,
    /// Its ffmpeg is about to end.
    #[error("it is stopping")]
    #[strum(serialize = "stream_stopping")]
    Stopping,
    /// It has not begun in the time for which a viewer waits.
    #[error("it is still starting")]
    #[strum(serialize = "stream_starting")]
    Starting,
    /// What is wrong with its sources, in words: there are as many as there are sources.
    #[error("{0}")]
    #[strum(serialize = "source_failed")]
    Source(String),
}

impl NotRunning {
    pub fn code(&self) -> &'static str {
        self.into()
    }
}
