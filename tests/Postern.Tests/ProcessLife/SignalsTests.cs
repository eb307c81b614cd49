using System.Globalization;

namespace Postern.Tests.ProcessLife;

public sealed class SignalsTests
{
    private const int Hup = 1;
    private const int Interrupt = 2;
    private const int Pipe = 13;
    private const int Terminate = 15;

    [Theory]
    [InlineData(Terminate, Terminate)]
    [InlineData(Interrupt, Terminate)]
    [InlineData(Terminate, Interrupt)]
    public async Task A_first_signal_stops_a_second_stops_at_once_and_HUP_reloads(int first, int second)
    {
        using var child = ChildProgram.Start("signals");
        try
        {
            var ignored = await NextLine();
            var mask = Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16);
            Assert.True((mask & 1UL << (Pipe - 1)) != 0, "SIGPIPE would end the process");

            Send(Pipe);
            Send(Hup);
            Assert.Equal("reload", await NextLine());
            Send(Hup);
            Assert.Equal("reload", await NextLine());
            Send(first);
            Assert.Equal("stop", await NextLine());
            Send(second);
            Assert.Equal("stop now", await NextLine());
            await child.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, child.ExitCode);
        }
        finally
        {
            if (!child.HasExited)
                child.Kill();
        }

        void Send(int signal) => Assert.Equal(0, ChildProgram.Kill(child.Id, signal));

        async Task<string> NextLine() =>
            await child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
                .AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)
            ?? string.Create(CultureInfo.InvariantCulture, $"ended with {child.Id}");
    }
}
