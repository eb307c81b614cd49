namespace Postern.Logging;

/// <summary>
/// The tags of one service. Lines that Postfix would log from another process keep that process's name, so that log
/// analysers find them where they look.
/// </summary>
/// <param name="Postscreen">Screening.</param>
/// <param name="Dnsblog">Answers of DNS lists.</param>
/// <param name="Tlsproxy">TLS of clients that talk to the dummy engine.</param>
/// <param name="Postern">What has no counterpart in Postfix.</param>
internal sealed record LogTags(LogTag Postscreen, LogTag Dnsblog, LogTag Tlsproxy, LogTag Postern)
{
    /// <param name="syslogName">Parameter <c>syslog_name</c> of the service.</param>
    public static LogTags For(string syslogName)
    {
        return new LogTags(Tag("postscreen"), Tag("dnsblog"), Tag("tlsproxy"), Tag("postern"));

        LogTag Tag(string program) => new(syslogName, program, Environment.ProcessId);
    }
}
