using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Rehearsal;
using Postern.Core.Reporting;
using Postern.Reports;

namespace Postern.Rehearsal;

/// <summary>Plays one variant in a sandbox, reads its log, and leaves nothing behind.</summary>
internal static class Rehearsals
{
    private static readonly DateTime AfterTheRun = new(2026, 12, 31); // the log's stamps have no year

    /// <param name="configuration">With the variant's overrides; without errors.</param>
    /// <param name="options">What is played.</param>
    /// <param name="progress">Told now and then which share is done.</param>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    /// <exception cref="IOException">It could not be played; the message is for the administrator.</exception>
    public static RehearsalRun Play(
        Variant variant, Configuration configuration, RehearsalOptions options, Action<double> progress, CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("postern-rehearse-").FullName;
        try
        {
            using var sandbox = Sandbox.Build(configuration, options, folder, progress, stop);
            sandbox.Run();
            var report = new ReportBuilder(AfterTheRun);
            using (var log = File.OpenRead(sandbox.LogPath))
                LogInput.Read(log, line => report.Add(line));
            Keep(sandbox.LogPath, options.KeepLog);
            Keep(sandbox.EventsPath, options.KeepEvents);
            return new RehearsalRun(variant, report.Build(), sandbox.Tally, sandbox.Unsettled);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // In place of what is there, not through it: it may be a link in a folder of somebody else's.
    private static void Keep(string path, string? target)
    {
        if (target is null)
            return;
        File.Delete(target);
        File.Copy(path, target, overwrite: false);
    }
}

/// <summary>What a rehearsal plays, and what is kept of it.</summary>
/// <param name="Model">The traffic.</param>
/// <param name="Seed">Likewise.</param>
internal sealed record RehearsalOptions(TrafficModel Model, int Seed)
{
    /// <summary>Whether clients make the same visits whatever becomes of them; else they come back until they have succeeded.</summary>
    public bool AreVisitsFixed { get; init; }

    /// <summary>
    /// The DNS lists that there are, each with what it says of whom, so that several runs meet the same ones whichever they ask;
    /// null: those of the configuration.
    /// </summary>
    public DnsblSites? Lists { get; init; }

    /// <summary>Where the mail log is copied to; null: nowhere.</summary>
    public string? KeepLog { get; init; }

    /// <summary>Where the event log is copied to; null: nowhere.</summary>
    public string? KeepEvents { get; init; }
}
