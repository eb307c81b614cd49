using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Logging;

/// <summary>The program that a line is from, encoded once: <c>postfix/postscreen[123]: </c>.</summary>
internal sealed class LogTag
{
    private readonly byte[] _text;

    /// <param name="syslogName">Parameter <c>syslog_name</c>.</param>
    /// <param name="program">Postfix's name of the program that would log this line.</param>
    public LogTag(string syslogName, string program, int processId)
    {
        var text = Encoding.Latin1.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{syslogName}/{program}[{processId}]: "));
        _text = text[..Printable.Copy(text, text, keepUtf8: true)];
    }

    /// <summary>The encoded bytes, blank included.</summary>
    public ReadOnlySpan<byte> Text => _text;
}
