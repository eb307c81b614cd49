using Postern.Core.Config;
using Postern.Core.Rehearsal;
using Postern.Core.Reporting;
using Postern.Reports;

namespace Postern.Rehearsal;

/// <summary>Plays one variant in a sandbox, reads its log, and leaves nothing behind.</summary>
internal static class Rehearsals
{
    private static readonly DateTime AfterTheRun = new(2026, 12, 31); // the log's stamps have no year

    /// <param name="configuration">With the variant's overrides; without errors.</param>
    /// <param name="keepLog">Where the log is copied to; null: nowhere.</param>
    /// <param name="progress">Told now and then which share is done.</param>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    /// <exception cref="IOException">It could not be played; the message is for the administrator.</exception>
    public static RehearsalRun Play(
        Variant variant, Configuration configuration, TrafficModel model, int seed, string? keepLog, Action<double> progress, CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("postern-rehearse-").FullName;
        try
        {
            using var sandbox = Sandbox.Build(configuration, model, seed, folder, progress, stop);
            sandbox.Run();
            var report = new ReportBuilder(AfterTheRun);
            using (var log = File.OpenRead(sandbox.LogPath))
                LogInput.Read(log, line => report.Add(line), static _ => { });
            if (keepLog is not null)
            {
                File.Delete(keepLog); // in place of what is there, not through it: it may be a link in a folder of somebody else's
                File.Copy(sandbox.LogPath, keepLog, overwrite: false);
            }

            return new RehearsalRun(variant, report.Build(), sandbox.Tally, sandbox.Unsettled);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
