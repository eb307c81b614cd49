using System.Runtime.InteropServices;
using System.Text.Json;
using Postern.Control;
using Postern.Core.Config;
using Postern.Reports;
using Postern.Storage;
using Postern.Tables;
using Spectre.Console;

namespace Postern.Cli;

/// <summary><c>postern top</c>: what the running daemon does, drawn anew each second until q or Ctrl-C.</summary>
/// <param name="path">Of the control socket.</param>
internal sealed class TopVerb(string path)
{
    private const int MostClients = 200; // more than a screen has lines
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1), KeyInterval = TimeSpan.FromMilliseconds(50);

    private readonly ControlClient _daemon = new(path);
    private JsonElement? _before;

    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="isOnce">One picture as text, and no more; so it is, too, where input or output is no terminal.</param>
    /// <returns>The exit status: 1 when there is no daemon to ask.</returns>
    public static int Run(string directory, bool isOnce, Stream output, TextWriter errors)
    {
        var configuration = Configuration.Load(directory, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For);
        if (configuration.HasErrors)
        {
            CheckVerb.PrintProblems(configuration.Problems, errors);
            return 1;
        }

        if (configuration.Process!.ControlSocket is not { } path)
            return Fail("postern_control_socket is empty, so the daemon cannot be asked");
        var top = new TopVerb(path);
        return (isOnce || Console.IsInputRedirected || Console.IsOutputRedirected ? top.ShowOnce(output) : top.Show(output)) is { } problem ? Fail(problem) : 0;

        int Fail(string problem)
        {
            errors.WriteLine($"postern top: {problem}");
            return 1;
        }
    }

    private string? ShowOnce(Stream output)
    {
        const int Width = 80, Height = 1000;
        if (Ask(out var screen) is { } problem)
            return problem;
        using var text = new StreamWriter(output, leaveOpen: true);
        foreach (var (line, _) in screen!.Lines(Width, Height))
            text.WriteLine(line.TrimEnd());
        return null;
    }

    private string? Show(Stream output)
    {
        if (Ask(out var screen) is { } none)
            return none; // before anything is done to the terminal
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(new StreamWriter(output) { AutoFlush = true }),
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            ColorSystem = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        });
        string? problem = null;
        Console.TreatControlCAsInput = true; // it is a key like q, also where a shell has us ignore the signal
        console.AlternateScreen(() => console.Live(new Text("")).Overflow(VerticalOverflow.Crop).Start(context =>
        {
            do
            {
                var (width, height) = Size();
                context.UpdateTarget(problem is null ? screen!.Draw(width, height) : new Text($"{problem}\n\nIt is asked again every second; q quits."));
            }
            while (GoesOn());
        }));
        Console.TreatControlCAsInput = false;
        return problem;

        bool GoesOn()
        {
            if (!WaitForKey(stop.Token))
                return false;
            problem = Ask(out screen);
            return true;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true; // the terminal is to be restored first
            stop.Cancel();
        }
    }

    /// <returns>Why there is no screen; null: there is.</returns>
    private string? Ask(out TopScreen? screen)
    {
        screen = null;
        var (figures, clients) = (new List<string>(), new List<string>());
        if ((_daemon.Ask(["figures"], [], figures.Add) ?? _daemon.Ask(["clients", $"{MostClients}"], [], clients.Add)) is { } problem)
            return ControlClient.IsServed(path) ? problem : $"no daemon listens on {path} (postern_control_socket)";
        try
        {
            var now = Parse(figures.Single());
            screen = new TopScreen(_before, now, [.. clients.Select(Parse)]);
            _before = now;
            return null;
        }
        catch (Exception reason) when (reason is JsonException or InvalidOperationException)
        {
            return "the daemon's answer cannot be read: it may be of another version";
        }
    }

    private static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }

    /// <returns>False: it is to end.</returns>
    private static bool WaitForKey(CancellationToken stop)
    {
        for (var waited = TimeSpan.Zero; waited < Interval; waited += KeyInterval)
        {
            while (Console.KeyAvailable)
            {
                if (Console.ReadKey(intercept: true).KeyChar is 'q' or 'Q' or '\x3' or '\x1b')
                    return false;
            }

            if (stop.WaitHandle.WaitOne(KeyInterval))
                return false;
        }

        return true;
    }

    // A terminal that does not say how large it is, as over some serial lines, is taken for one of 80x24.
    private static (int Width, int Height) Size()
    {
        var (width, height) = (Console.WindowWidth, Console.WindowHeight);
        return (width > 0 ? width : 80, height > 0 ? height : 24);
    }
}
