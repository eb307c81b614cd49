using System.Text;
using Postern.Lmdb;
using static Postern.Tests.Lmdb.LmdbBench;

namespace Postern.Tests.Lmdb;

/// <summary>Damage is found before the library follows it out of its memory: a miss would end the test process.</summary>
public sealed class LmdbCheckTests : IDisposable
{
    private readonly LmdbBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Sound_files_are_let_pass()
    {
        var file = _bench.Open();
        for (var round = 0; round < 10; round++)
        {
            Fill(file, round);
            Assert.Null(_bench.TryOpen(out _, isReadOnly: true)); // with large values, free pages and several levels
        }

        Assert.Null(file.Write(Patience, change =>
        {
            for (var i = 0; i < 2000; i++)
                _ = change.DeleteIf(Key(i), _ => true);
            return 0;
        }));
        Assert.Null(_bench.TryOpen(out _, isReadOnly: true));
    }

    [Fact]
    public void Whatever_is_written_over_a_file_the_process_lives()
    {
        Fill(_bench.Open(), 0);
        var sound = File.ReadAllBytes(_bench.Path);
        var random = new Random(7);
        var (damaged, fine) = (0, 0);
        for (var i = 0; i < 400; i++)
        {
            var bytes = sound.ToArray();
            var at = random.Next(bytes.Length - 4096);
            var length = 1 << random.Next(0, 13);
            if (i % 4 == 0)
                bytes.AsSpan(at, length).Clear();
            else
                random.NextBytes(bytes.AsSpan(at, length));
            if (i % 10 == 0)
                bytes = bytes[..at];
            Replace(bytes);

            var problem = _bench.TryOpen(out var file);
            if (problem is null)
            {
                _ = Rows(file!).Count;
                Fill(file!, i);
                file!.Dispose();
                fine++;
            }
            else
            {
                damaged += problem.IsDamage ? 1 : 0;
            }
        }

        Assert.True(damaged > 100, $"{damaged} damaged, {fine} fine");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(8192)]
    public void A_file_that_ends_too_early_is_damaged(int length)
    {
        Fill(_bench.Open(), 0);
        Replace(File.ReadAllBytes(_bench.Path)[..length]);

        var problem = _bench.TryOpen(out var file, isReadOnly: length > 0);

        if (length == 0)
            Assert.Empty(Rows(file!)); // as good as new
        else
            Assert.True(problem is { IsDamage: true }, problem?.Reason);
    }

    private static byte[] Key(int i) => Encoding.ASCII.GetBytes($"10.{i >> 8}.{i & 255}.1");

    private static void Fill(LmdbFile file, int seed) => file.Write(Patience, change =>
    {
        var random = new Random(seed);
        var code = 0;
        for (var i = 0; i < 2000 && code == 0; i++)
            code = change.Put(Key(random.Next(4000)), new byte[i % 100 == 0 ? 9000 : random.Next(10, 80)]);
        return code;
    });

    private void Replace(byte[] bytes)
    {
        File.WriteAllBytes(_bench.Path + ".new", bytes);
        File.Move(_bench.Path + ".new", _bench.Path, overwrite: true);
    }
}
