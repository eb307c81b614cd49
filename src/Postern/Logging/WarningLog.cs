using Postern.Core;

namespace Postern.Logging;

/// <summary>Puts the warnings of Core into the log under one program's name.</summary>
internal sealed class WarningLog(MailLog log, LogTag tag) : IWarningSink
{
    /// <inheritdoc />
    public void Warn(string text) => log.Write(tag, LogSeverity.Warning, text);

    /// <inheritdoc />
    public void Note(string text) => log.Write(tag, LogSeverity.Info, text);
}
