using System.Runtime.CompilerServices;
using Postern.Core;
using Postern.Core.Config;
using Postern.Logging;

namespace Postern.Tls;

/// <summary>What all TLS clients share: the certificates, and the turn to compute.</summary>
/// <param name="files">Where certificates and keys are read.</param>
/// <param name="clock">Monotonic time.</param>
/// <param name="tag">Under which name lines about TLS stand: tlsproxy's.</param>
/// <param name="log">Takes lines from any thread.</param>
internal sealed class TlsServer(ITextFiles files, TimeProvider clock, LogTag tag, Action<LogSeverity, string> log)
{
    private readonly PemFiles _files = new(files);
    private readonly ConditionalWeakTable<TlsSettings, TlsCredentials> _credentials = [];

    /// <summary>Under which name lines about TLS stand.</summary>
    public LogTag Tag => tag;

    /// <summary>Leaves one processor to the loop.</summary>
    public SemaphoreSlim Turns { get; } = new(Math.Max(1, Environment.ProcessorCount - 1));

    /// <summary>
    /// Reads the files of the settings that are in force from now on. A daemon that was started as root does so before it
    /// becomes the user it stays: what that user may not read is used as it was read then.
    /// </summary>
    public void Preload(IEnumerable<TlsSettings> inForce)
    {
        var all = inForce.ToArray();
        _files.KeepOnly(all.SelectMany(TlsCredentials.Paths));
        foreach (var settings in all)
            CredentialsOf(settings).Preload();
    }

    /// <summary>Finds out whether TLS can be spoken.</summary>
    /// <param name="settings">The client's.</param>
    /// <param name="done">Called once, on any thread, perhaps before this returns; null: it cannot.</param>
    public void Prepare(TlsSettings settings, Action<TlsContext?> done)
    {
        var credentials = CredentialsOf(settings);
        if (credentials.TryGet(out var context))
            done(context);
        else
            _ = Task.Run(() => done(RefreshOrReport(credentials)));
    }

    private TlsContext? RefreshOrReport(TlsCredentials credentials)
    {
        try
        {
            return credentials.Refresh();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            log(LogSeverity.Warning, $"cannot use the certificate: {error}".ReplaceLineEndings(" ")); // clients get 454
            return null;
        }
    }

    private TlsCredentials CredentialsOf(TlsSettings settings) =>
        _credentials.GetValue(settings, one => new TlsCredentials(one, _files, clock, log));
}
