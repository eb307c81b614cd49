using Postern.ProcessLife;

namespace Postern.Tests.ProcessLife;

public sealed class StartupMemoryTests
{
    [Fact]
    public void Only_what_cannot_have_been_written_is_given_back()
    {
        const string Maps = """
            00400000-00500000 r-xp 0000e000 fe:01 12    /usr/sbin/postern
            Size:               1024 kB
            Private_Clean:       512 kB
            Private_Dirty:         0 kB
            Anonymous:             0 kB
            Swap:                  0 kB
            00500000-00540000 r--p 00100000 fe:01 12    /usr/sbin/postern
            Private_Dirty:         4 kB
            Anonymous:             4 kB
            Swap:                  0 kB
            00540000-00600000 r--p 00140000 fe:01 12    /usr/sbin/postern
            Private_Dirty:         0 kB
            Anonymous:             0 kB
            Swap:                  4 kB
            00600000-00700000 rw-p 00200000 fe:01 12    /usr/sbin/postern
            Anonymous:             0 kB
            Swap:                  0 kB
            00700000-00800000 r--p 00000000 00:00 0
            Anonymous:             0 kB
            Swap:                  0 kB
            7fff0000-7fff2000 r-xp 00000000 00:00 0     [vdso]
            Anonymous:             0 kB
            Swap:                  0 kB
            """;

        Assert.Equal([((nint)0x400000, (nuint)0x100000)], StartupMemory.Unwritten(Maps.Split('\n')));
    }

    [Fact]
    public void The_process_goes_on_as_before()
    {
        StartupMemory.GiveBack(File.ReadLines("/proc/self/smaps"));

        Assert.Equal(499_500, Enumerable.Range(0, 1000).Sum());
        Assert.NotEmpty(StartupMemory.Unwritten(File.ReadLines("/proc/self/smaps")));
    }
}
