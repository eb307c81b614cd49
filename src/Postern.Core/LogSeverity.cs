namespace Postern.Core;

/// <summary>Severity of a log line; all but <see cref="Info"/> stand as a prefix before the text (<c>warning: </c>).</summary>
public enum LogSeverity
{
    /// <summary>A noteworthy event of a client or of the process.</summary>
    Info,

    /// <summary>The administrator should act.</summary>
    Warning,

    /// <summary>Something of ours does not work.</summary>
    Error,

    /// <summary>The process ends.</summary>
    Fatal,
}
