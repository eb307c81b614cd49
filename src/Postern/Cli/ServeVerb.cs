using Postern.Core.Config;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary><c>postern serve</c>: screens clients until it is told to stop.</summary>
internal static class ServeVerb
{
    /// <param name="directory">Where main.cf and master.cf are.</param>
    /// <param name="logToStandardOutput">Log to the terminal, whatever <c>maillog_file</c> says.</param>
    /// <param name="errors">Takes why it does not start.</param>
    /// <returns>0 after an orderly end, 1 when it did not start.</returns>
    public static int Run(string directory, bool logToStandardOutput, TextWriter errors)
    {
        var configuration = Load(new TableReading(Before: null, MayBeLater: true));
        if (configuration.HasErrors)
        {
            CheckVerb.PrintProblems(configuration.Problems, errors);
            return 1;
        }

        using var daemon = Daemon.Start(Load, configuration, logToStandardOutput, master: null, out var problem);
        if (daemon is null)
        {
            if (!logToStandardOutput && configuration.Process!.MaillogFile is not "/dev/stdout") // else it was said there
                errors.WriteLine("postern: fatal: " + problem);
            return 1;
        }

        daemon.Run();
        return 0;

        Configuration Load(TableReading reading) => Configuration.Load(directory, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For, reading: reading);
    }
}
