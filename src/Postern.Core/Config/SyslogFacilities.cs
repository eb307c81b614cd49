namespace Postern.Core.Config;

/// <summary>The names of syslog facilities and their numbers (RFC 5424 section 6.2.1).</summary>
internal static class SyslogFacilities
{
    private static readonly string[] Names =
    [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
        "", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ];

    /// <returns>Null: no such facility.</returns>
    public static int? Find(string name) =>
        name.Length > 0 && Array.IndexOf(Names, name) is >= 0 and var number ? number : null;
}
