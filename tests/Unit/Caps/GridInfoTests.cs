using System.Text;
using GlobalCache.Client.Caps;

namespace GlobalCache.Tests.Caps;

public sealed class GridInfoTests
{
    private const string Login = "http://127.0.0.1:12080/0123/";

    [Theory]
    [InlineData("<gridinfo><login>http://grid.example:8002/</login><gridname>My Grid</gridname><gridnick>mygrid</gridnick><platform>OpenSim</platform><x/></gridinfo>",
        "<gridinfo><login>http://127.0.0.1:12080/0123/</login><gridname>My Grid</gridname><gridnick>mygrid-gc</gridnick><platform>OpenSim</platform><x/></gridinfo>")]
    [InlineData("<?xml version=\"1.0\"?>\n<gridinfo>\n  <gridnick>\n    my&amp;grid\n  </gridnick>\n  <login />\n  <sub><login>http://stays/</login></sub>\n</gridinfo>\n",
        "<?xml version=\"1.0\"?>\n<gridinfo>\n  <gridnick>\n    my&amp;grid-gc\n  </gridnick>\n  <login>http://127.0.0.1:12080/0123/</login>\n  <sub><login>http://stays/</login></sub>\n</gridinfo>\n")]
    [InlineData("<gridinfo><gridnick></gridnick></gridinfo>", "<gridinfo><gridnick></gridnick></gridinfo>")]
    public void T20_Login_and_nick_are_replaced_and_all_else_stays(string document, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(GridInfo.Patch(Encoding.UTF8.GetBytes(document), Login)!));

    [Theory]
    [InlineData("")]
    [InlineData("<html/>")]
    [InlineData("<gridinfo/>")]
    [InlineData("<gridinfo><login>x</gridinfo>")]
    [InlineData("<!DOCTYPE gridinfo><gridinfo></gridinfo>")]
    [InlineData("<gridinfo></gridinfo><gridinfo></gridinfo>")]
    public void T20_What_is_no_grid_info_is_left_alone(string document) =>
        Assert.Null(GridInfo.Patch(Encoding.UTF8.GetBytes(document), Login));

    [Theory]
    [InlineData("<gridinfo><globalcache>refuse</globalcache></gridinfo>", OwnersWord.Refuses)]
    [InlineData("<?xml version=\"1.0\"?><gridinfo><login>x</login><globalcache>\n Refuse \n</globalcache><gridname>y</gridname></gridinfo>", OwnersWord.Refuses)]
    [InlineData("<gridinfo><globalcache>allow</globalcache></gridinfo>", OwnersWord.Allows)]
    [InlineData("<gridinfo><globalcache>perhaps</globalcache></gridinfo>", OwnersWord.Silent)]
    [InlineData("<gridinfo><globalcache/></gridinfo>", OwnersWord.Silent)]
    [InlineData("<gridinfo><login>x</login></gridinfo>", OwnersWord.Silent)]
    [InlineData("<gridinfo><about><globalcache>refuse</globalcache></about></gridinfo>", OwnersWord.Silent)]
    [InlineData("<html><globalcache>refuse</globalcache></html>", OwnersWord.Silent)]
    [InlineData("<gridinfo><globalcache>refuse</globalcache>", OwnersWord.Silent)]
    [InlineData("", OwnersWord.Silent)]
    public void What_its_owner_says_of_sharing(string document, object word) => Assert.Equal(word, GridInfo.Sharing(Encoding.UTF8.GetBytes(document)));
}
