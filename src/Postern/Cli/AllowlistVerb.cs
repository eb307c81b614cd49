using System.Globalization;
using Postern.Control;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Lmdb;
using Postern.Native;
using Postern.ProcessLife;
using Postern.Storage;
using Postern.Tables;
using Spectre.Console;

namespace Postern.Cli;

/// <summary>
/// <c>postern allowlist</c>: what is remembered of clients. Speaks to the running daemon; without one it reads and writes
/// the file, as mail_owner, whose file it is: root would trust what is in another's folder.
/// </summary>
internal sealed class AllowlistVerb
{
    private const int RecordsAtATime = 50_000;

    /// <summary>Bytes from which an import shows how far it is.</summary>
    private const long LongImport = 1 << 20;

    private readonly Configuration _configuration;
    private readonly DateTimeOffset _now;
    private readonly TextWriter _output;
    private readonly TextWriter _errors;
    private readonly List<(string Name, Stream Input)> _inputs = [];

    private AllowlistVerb(Configuration configuration, DateTimeOffset now, TextWriter output, TextWriter errors) =>
        (_configuration, _now, _output, _errors) = (configuration, now, output, errors);

    /// <summary>Runs one of its commands on each map that a service has.</summary>
    /// <param name="directory">Of the configuration.</param>
    /// <param name="inputs">Files to be opened while we are who we are; - is standard input.</param>
    /// <param name="run">The command.</param>
    /// <returns>The exit status.</returns>
    public static int Run(string directory, TextWriter output, TextWriter errors, IReadOnlyList<string> inputs, Func<AllowlistVerb, Settings, IAllowlistRecords, int> run)
    {
        var configuration = Configuration.Load(directory, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For);
        if (configuration.HasErrors)
        {
            CheckVerb.PrintProblems(configuration.Problems, errors);
            return 1;
        }

        var verb = new AllowlistVerb(configuration, TimeProvider.System.GetUtcNow(), output, errors);
        var maps = configuration.Services.Select(static service => service.Settings).Where(static settings => settings.CacheMap is not null).DistinctBy(static settings => settings.CacheMap).ToList();
        if (maps.Count == 0)
            return verb.Fail("postscreen_cache_map is empty: nothing is remembered");
        var status = verb.OpenInputs(inputs);
        foreach (var settings in maps)
        {
            if (maps.Count > 1)
                output.WriteLine($"# {settings.CacheMap}");
            using var records = Open(configuration, settings, mayDrop: true, out var problem);
            status = Math.Max(status, records is null ? verb.Fail(problem!) : run(verb, settings, records));
        }

        return status;
    }

    /// <summary>The records of a map: the daemon's, if there is one. Else root becomes mail_owner, for good.</summary>
    /// <param name="mayDrop">Whether the process is ours to do that with.</param>
    /// <returns>Null with a <paramref name="problem"/>.</returns>
    public static IAllowlistRecords? Open(Configuration configuration, Settings settings, bool mayDrop, out string? problem)
    {
        problem = null;
        if (configuration.Process!.ControlSocket is { } socket && ControlClient.IsServed(socket))
            return new RunningRecords(new ControlClient(socket), settings.CacheMap!);
        var options = AllowlistOptions.Of(configuration, settings, jail: null);
        SqliteFile.LoadLibrary(); // while we may read the folder that it lies in
        _ = LmdbLibrary.IsInstalled;
        return !mayDrop || Privileges.TryDrop(configuration.Process.MailOwner, jail: null, out _, out problem) ? StoredRecords.Open(options, out problem) : null;
    }

    /// <summary>Every record, by address.</summary>
    public int List(Settings settings, IAllowlistRecords records) => ReadAll(records, all =>
    {
        foreach (var (client, record) in all)
            _output.WriteLine($"{client}  {Describe(record, settings, _now)}");
    });

    /// <summary>Every record as <see cref="Import"/> reads it.</summary>
    public int Export(IAllowlistRecords records) => ReadAll(records, all =>
    {
        foreach (var (client, record) in all)
            _output.WriteLine(RecordText.Line(client, record));
    });

    /// <summary>Clients' records; exit status 1 when one has none.</summary>
    public int Show(IReadOnlyList<string> addresses, Settings settings, IAllowlistRecords records)
    {
        var status = 0;
        foreach (var address in addresses)
        {
            if (!IpAddress.TryParse(address, out var client))
            {
                status = Fail($"{address} is no IP address");
                continue;
            }

            if (records.Find(client, out var record) is { } problem)
                return Fail(problem);
            _output.WriteLine(record is { } known ? $"{client}  {Describe(known, settings, _now)}" : $"{client} is not known: the tests are due");
            status = record is null ? 1 : status;
        }

        return status;
    }

    /// <summary>Forgets clients; exit status 1 when one was not known.</summary>
    public int Forget(IReadOnlyList<string> addresses, IAllowlistRecords records)
    {
        var status = 0;
        foreach (var address in addresses)
        {
            if (!IpAddress.TryParse(address, out var client))
            {
                status = Fail($"{address} is no IP address");
                continue;
            }

            if (records.Forget(client, out var wasKnown) is { } problem)
                return Fail(problem);
            _output.WriteLine(wasKnown ? $"{client} is forgotten" : $"{client} was not known");
            status = wasKnown ? status : 1;
        }

        return status;
    }

    /// <summary>Adds what <see cref="Export"/> or <c>postmap -s</c> wrote; the later time of each test stays.</summary>
    public int Import(IAllowlistRecords records)
    {
        var total = _inputs.Sum(static input => input.Input.CanSeek ? input.Input.Length : 0);
        if (total < LongImport || Console.IsErrorRedirected)
            return ImportFiles(records, static _ => { });
        var status = 0;
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Progress().AutoClear(true).Start(context =>
        {
            var task = context.AddTask("importing", maxValue: total);
            status = ImportFiles(records, done => task.Value = done);
        });
        return status;
    }

    /// <summary>How much there is, and how much of it counts at this moment.</summary>
    public int Stats(Settings settings, IAllowlistRecords records) => ReadAll(records, all =>
    {
        var enabled = ScreeningTest.All.Where(test => test.IsEnabled(settings)).ToList();
        var now = CacheRecord.Seconds(_now);
        var longest = ScreeningTest.LifetimesIn(settings).Longest;
        all = all.ConvertAll(entry => new KeyValuePair<IpAddress, TestExpiry>(entry.Key, ExpiryRules.Believed(entry.Value, longest, _now)));
        var passing = all.Count(entry => enabled.TrueForAll(test => test.ExpiryIn(entry.Value) >= now));
        _output.WriteLine($"{settings.CacheMap}: {all.Count} clients are known, {passing} need no test now");
        foreach (var test in enabled)
            _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {test.Name,-17} passed by {all.Count(entry => test.ExpiryIn(entry.Value) >= now)}"));
    });

    /// <summary>A record in words: <c>pregreet until 2026-11-25 10:00:00; dnsbl due</c>. Of the tests that are on.</summary>
    public static string Describe(TestExpiry record, Settings settings, DateTimeOffset now)
    {
        var seconds = CacheRecord.Seconds(now);
        var believed = ExpiryRules.Believed(record, ScreeningTest.LifetimesIn(settings).Longest, now);
        var words = ScreeningTest.All.Where(test => test.IsEnabled(settings)).Select(test => test.ExpiryIn(record) switch
        {
            var expiry when expiry != test.ExpiryIn(believed) => $"{test.Name} due (until {Time(expiry)} is too far ahead to be true: the clock was wrong, or the test's time to live was longer)",
            0 or 1 => $"{test.Name} due",
            var expiry when expiry < seconds => $"{test.Name} expired {Time(expiry)}",
            var expiry => $"{test.Name} until {Time(expiry)}",
        });
        return string.Join("; ", words);

        static string Time(uint seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
    }

    private int OpenInputs(IReadOnlyList<string> files)
    {
        var status = 0;
        foreach (var file in files)
        {
            try
            {
                _inputs.Add(file == "-" ? ("standard input", Console.OpenStandardInput()) : (file, new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)));
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
            {
                status = Fail($"{file}: {Errno.ReasonOf(reason)}");
            }
        }

        return status;
    }

    private int ReadAll(IAllowlistRecords records, Action<List<KeyValuePair<IpAddress, TestExpiry>>> print)
    {
        var all = new List<KeyValuePair<IpAddress, TestExpiry>>();
        var problem = records.ReadAll((client, record) => all.Add(new(client, record)));
        if (problem is not null)
            return Fail(problem);
        all.Sort(static (one, other) => (one.Key.High, one.Key.Low).CompareTo((other.Key.High, other.Key.Low)));
        print(all);
        return 0;
    }

    /// <param name="progress">Told how many bytes are done.</param>
    private int ImportFiles(IAllowlistRecords records, Action<long> progress)
    {
        var (status, done) = (0, 0L);
        foreach (var (name, input) in _inputs)
        {
            try
            {
                if (input.CanSeek)
                    input.Position = 0; // another map has had it
                using var lines = new StreamReader(input, bufferSize: 64 << 10, leaveOpen: true);
                var before = done;
                status = Math.Max(status, ImportLines(lines, name, records, () => progress(before + (input.CanSeek ? input.Position : 0))));
                done += input.CanSeek ? input.Length : 0;
            }
            catch (IOException reason)
            {
                status = Fail($"{name}: {Errno.ReasonOf(reason)}");
            }
        }

        return status;
    }

    private int ImportLines(TextReader input, string name, IAllowlistRecords records, Action progress)
    {
        var (number, added, status) = (0, 0, 0);
        var batch = new List<KeyValuePair<IpAddress, TestExpiry>>(RecordsAtATime);
        while (input.ReadLine() is { } line)
        {
            number++;
            if (line.Length == 0 || line[0] is '#' or '_') // a comment; one of postscreen's own keys
                continue;
            if (!RecordText.TryParse(line, out var record))
            {
                status = Fail($"{name}, line {number}: no record: skipped");
                continue;
            }

            batch.Add(record);
            if (batch.Count == RecordsAtATime && Flush() is { } early)
                return Fail(early);
        }

        if (Flush() is { } problem)
            return Fail(problem);
        _output.WriteLine($"{added} records are added");
        return status;

        string? Flush()
        {
            if (batch.Count == 0)
                return null;
            var failure = records.Add(batch);
            added += failure is null ? batch.Count : 0;
            batch.Clear();
            progress();
            return failure;
        }
    }

    private int Fail(string problem)
    {
        _errors.WriteLine($"postern allowlist: {problem}");
        return 1;
    }
}
