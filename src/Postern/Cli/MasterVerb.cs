using Postern.Core;
using Postern.Core.Config;
using Postern.Logging;
using Postern.Master;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary>No word of the command line: what happens when Postfix's master(8) starts us for a line of master.cf.</summary>
internal static class MasterVerb
{
    private static readonly TimeSpan FatalPause = TimeSpan.FromSeconds(1); // as every daemon of Postfix's, so that none restarts in a rush

    /// <param name="arguments">All of the command line.</param>
    /// <param name="errors">For those who try it by hand; the master's is /dev/null.</param>
    /// <returns>The exit status.</returns>
    public static int Run(IReadOnlyList<string> arguments, TextWriter errors)
    {
        if (!MasterInvocation.TryRead(arguments, Environment.GetEnvironmentVariable, out var invocation, out var problem))
        {
            errors.WriteLine("postern: fatal: " + problem);
            return Fail(problem, new LogOptions());
        }

        if (Environment.GetEnvironmentVariable(MasterKeeper.Variable) is { } keeper)
            return Serve(invocation, keeper);
        var status = MasterKeeper.Run(invocation.ListenerCount, out problem);
        return problem is null ? status : Fail(problem, new LogOptions());
    }

    private static int Serve(MasterInvocation invocation, string keeper)
    {
        Environment.SetEnvironmentVariable(MasterKeeper.Variable, null); // not for programs that we start
        var configuration = Load(new TableReading(Before: null, MayBeLater: true));
        if (configuration.HasErrors)
            return Fail(configuration);
        if (!invocation.IsLimitedToOne)
            return Fail($"service {invocation.ServiceName} requires a process limit of 1", OptionsWithoutSettings(configuration));
        if (MasterLink.Open(keeper, invocation) is not { } link)
            return Fail("the descriptors of Postfix's master are missing", OptionsWithoutSettings(configuration));

        using var daemon = Daemon.Start(Load, configuration, logToStandardOutput: false, new MasterRole(invocation, link), out _);
        if (daemon is null)
        {
            Thread.Sleep(FatalPause); // it has logged why
            return 1;
        }

        daemon.Run();
        return 0;

        Configuration Load(TableReading reading) =>
            Configuration.Load(invocation.ConfigDirectory, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For, invocation.ToEntry(), reading: reading);
    }

    /// <summary>Each error with its place and what to do, and the first in Postfix's words, which its readers look for.</summary>
    private static int Fail(Configuration configuration)
    {
        var errors = configuration.Problems.Where(static problem => problem.Severity is ProblemSeverity.Error).ToList();
        return Fail(
            errors[0].Text,
            OptionsWithoutSettings(configuration),
            errors.Where(static error => error.File is not null).Select(static error => $"{error.File}, line {error.Line}: {error.Text}; {error.Remedy}"));
    }

    private static int Fail(string problem, LogOptions options, params IEnumerable<string> details)
    {
        if (MailLog.TryOpen(options, TimeProvider.System, out var log, out _))
        {
            using (log)
            {
                foreach (var detail in details)
                    log.Write(LogTags.For(options.SyslogName).Postern, LogSeverity.Error, detail);
                log.Write(LogTags.For(options.SyslogName).Postscreen, LogSeverity.Fatal, problem);
            }
        }

        Thread.Sleep(FatalPause);
        return 1;
    }

    /// <summary>Where to log when the configuration cannot be used: what main.cf says plainly, else Postfix's defaults.</summary>
    private static LogOptions OptionsWithoutSettings(Configuration configuration)
    {
        return new LogOptions
        {
            HostName = Plain("myhostname") ?? System.Net.Dns.GetHostName(),
            SyslogName = Plain("syslog_name") ?? "postfix",
            PostlogSocket = Plain("maillog_file") is null ? "" : "public/" + (Plain("postlog_service_name") ?? "postlog"),
        };

        string? Plain(string name) =>
            configuration.Entries.TryGetValue(name, out var entry) && entry.Value.Length > 0 && !entry.Value.Contains('$') ? entry.Value : null;
    }
}
