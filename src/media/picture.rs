//! Moving test pictures of ffmpeg's own, for the demo and for whoever tries a player.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

/// A test picture: the name of its file, the filter that draws it, and the tone in hertz.
pub struct Picture {
    /// The file's name below `media/`.
    pub file: &'static str,
    /// The source of ffmpeg's lavfi that draws it.
    pub filter: &'static str,
    /// The tone.
    pub hertz: u32,
}

impl Picture {
    /// Draws twenty seconds of it into the folder, with a key frame every two seconds: H.264 and AAC.
    ///
    /// # Errors
    /// A sentence about what is missing or failed.
    pub async fn draw(&self, folder: &Path) -> Result<(), String> {
        std::fs::create_dir_all(folder)
            .map_err(|e| format!("cannot create the folder {}: {e}", folder.display()))?;
        let picture = format!("{}=size=640x360:rate=25", self.filter);
        let tone = format!("sine=frequency={}:sample_rate=48000", self.hertz);
        let mut command = Command::new("ffmpeg");
        super::child::clear_environment(&mut command);
        command.args([
            "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone,
        ]);
        command.args(
            "-t 20 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -c:a aac -f mpegts".split(' '),
        );
        let drawn = command.arg(folder.join(self.file)).stdin(Stdio::null()).output().await;
        let drawn = drawn.map_err(|e| format!("ffmpeg cannot be started, install it: {e}"))?;
        if drawn.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&drawn.stderr);
        Err(format!("ffmpeg could not draw {}: {}", self.file, said.lines().last().unwrap_or_default()))
    }
}
