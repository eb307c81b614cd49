using Postern.Native;
using Postern.ProcessLife;

namespace Postern.Tests.ProcessLife;

public sealed class ProcessLimitsTests
{
    [Fact]
    public unsafe void The_soft_limit_of_open_files_becomes_the_hard_one()
    {
        ResourceLimit limit;
        Assert.Equal(0, Libc.getrlimit(Libc.RLIMIT_NOFILE, &limit));
        var hard = limit.Hard;
        limit.Soft = Math.Min(hard, 1000);
        Assert.Equal(0, Libc.setrlimit(Libc.RLIMIT_NOFILE, &limit));

        var openFiles = ProcessLimits.RaiseOpenFiles(out var problem);

        Assert.Null(problem);
        Assert.Equal(0, Libc.getrlimit(Libc.RLIMIT_NOFILE, &limit));
        Assert.Equal((hard, hard), (limit.Soft, limit.Hard));
        Assert.Equal(Math.Min(hard, int.MaxValue), (ulong)openFiles);
    }

    [Theory]
    [InlineData(20_000, 19_872)]
    [InlineData(129, 1)]
    [InlineData(64, 0)]
    public void Clients_get_what_the_daemon_does_not_need(int openFiles, int clients) =>
        Assert.Equal(clients, ProcessLimits.ClientsThatFit(openFiles));
}
