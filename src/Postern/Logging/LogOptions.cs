namespace Postern.Logging;

/// <summary>Where log lines go and how they look: the parameters of the log, as an immutable snapshot.</summary>
internal sealed record LogOptions
{
    /// <summary><c>myhostname</c>; its first label stands in the lines of a file.</summary>
    public string HostName { get; init; } = "localhost";

    /// <summary><c>syslog_name</c>, for lines about the log itself.</summary>
    public string SyslogName { get; init; } = "postfix";

    /// <summary><c>syslog_facility</c> as a number, 0 to 23.</summary>
    public int Facility { get; init; } = 2;

    /// <summary><c>smtputf8_enable</c>: well-formed UTF-8 stands in the log as it is.</summary>
    public bool KeepUtf8 { get; init; } = true;

    /// <summary><c>maillog_file</c>; empty = syslog.</summary>
    public string MaillogFile { get; init; } = "";

    /// <summary><c>maillog_file_permissions</c>: mode bits of a new file.</summary>
    public uint MaillogFileMode { get; init; } = 0b110_000_000;

    /// <summary><c>mail_owner</c>, who may own the file beside root.</summary>
    public string MailOwner { get; init; } = "postfix";

    /// <summary>Option <c>--log-to-stdout</c>: stronger than <see cref="MaillogFile"/>.</summary>
    public bool ToStandardOutput { get; init; }

    /// <summary>Where the syslog daemon listens.</summary>
    public string SyslogSocket { get; init; } = "/dev/log";

    /// <summary>
    /// Where Postfix's postlogd(8) listens, relative to the queue directory; stronger than <see cref="MaillogFile"/>, which
    /// it writes. Empty: not under Postfix's master.
    /// </summary>
    public string PostlogSocket { get; init; } = "";
}
