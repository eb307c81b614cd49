using Postern.Core;

namespace Postern.Logging;

/// <summary>Puts the warnings of Core into the log under one program's name.</summary>
internal sealed class WarningLog(MailLog log, LogTag tag) : IWarningSink
{
    /// <summary>For threads beside the loop, which flushes what it writes by itself.</summary>
    public bool FlushesAtOnce { get; init; }

    /// <inheritdoc />
    public void Warn(string text) => Write(LogSeverity.Warning, text);

    /// <inheritdoc />
    public void Note(string text) => Write(LogSeverity.Info, text);

    private void Write(LogSeverity severity, string text)
    {
        if (FlushesAtOnce)
            log.WriteNow(tag, severity, text);
        else
            log.Write(tag, severity, text);
    }
}
