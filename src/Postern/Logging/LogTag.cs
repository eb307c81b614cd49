using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Logging;

/// <summary>The program that a line is from, encoded once: <c>postfix/postscreen[123]: </c>.</summary>
internal sealed class LogTag
{
    // Processes have numbers below this (PID_MAX_LIMIT of 64-bit Linux).
    private const long FirstSession = 4_194_304;

    private readonly byte[] _text;

    /// <param name="syslogName">Parameter <c>syslog_name</c>.</param>
    /// <param name="program">Postfix's name of the program that would log this line.</param>
    public LogTag(string syslogName, string program, long processId)
    {
        var text = Encoding.Latin1.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{syslogName}/{program}[{processId}]: "));
        _text = text[..Printable.Copy(text, text, keepUtf8: true)];
    }

    /// <summary>
    /// Of a line of the built-in receiver. smtpd has a process for each client, and whoever reads its log tells clients apart by
    /// that; so each session of ours has a number of its own in its place, one that no process has.
    /// </summary>
    /// <param name="syslogName">Parameter <c>syslog_name</c>.</param>
    /// <param name="program">Postfix's name of the program that would log this line.</param>
    /// <param name="session">The number of the session; 0: of none.</param>
    public static LogTag OfReceiver(string syslogName, string program, long session) =>
        new(syslogName, program, session > 0 && program == "smtpd" ? FirstSession + session : Environment.ProcessId);

    /// <summary>The encoded bytes, blank included.</summary>
    public ReadOnlySpan<byte> Text => _text;
}
